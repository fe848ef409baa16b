"""The names of what judges generated samples, and their facts."""

from piste.metrics.names import Metric, file_metrics

IMAGE_METRICS = ("frechet_distance", "sample_precision", "sample_recall", "sample_f1")
POINT_METRICS = (*IMAGE_METRICS, "modes_covered", "high_quality")

file_metrics(
    {
        "frechet_distance": Metric(
            "Fréchet distance",
            smaller_is_better=True,
            share=False,
            meaning="how far the features of generated and real samples are apart; those of a classifier trained here"
            " (no Inception network: values compare between runs on the same data alone)",
        ),
        "sample_precision": Metric("Sample precision", meaning="share of generated samples that lie among real ones"),
        "sample_recall": Metric("Sample recall", meaning="share of real samples that lie among generated ones"),
        "sample_f1": Metric("Sample F1", percent=False, meaning="harmonic mean of sample precision and recall"),
        "modes_covered": Metric("Modes covered", meaning="share of the modes that generated points reach"),
        "high_quality": Metric(
            "High quality", meaning="share of generated points within three deviations of a mode's centre"
        ),
    }
)
