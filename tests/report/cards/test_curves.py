"""What a card draws is what arithmetic says."""

from math import exp, isfinite, log

import pytest

from piste.losses import Between, catalogue
from piste.report.cards.curves import Panel, plots, spread
from piste.report.cards.scenes import scene_of


def panels(name: str, knob: str | None) -> tuple[Panel, ...]:
    [plot] = [plot for plot in plots(catalogue()[name]) if plot.knob == knob]
    return plot.panels


def height(panel: Panel, label: str, x: float, role: str = "") -> float:
    [line] = [line for line in panel.lines if (line.label, line.trace.role) == (label, role)]
    return line.trace.at(x)


def test_cross_entropy_at_one_half_is_ln_2_and_pulls_with_one_half() -> None:
    cost, pull = panels("cross_entropy", "label_smoothing")
    assert height(cost, "0", 0.5) == pytest.approx(log(2))
    assert height(pull, "0", 0.5) == pytest.approx(0.5)  # d(-log p)/dz = p - 1
    assert height(pull, "0", 0.1) == pytest.approx(0.9)
    # a label of 0.1 spread over two classes is 0.95: at p = 0.99 the score is pulled back
    assert height(pull, "0.1", 0.99) == pytest.approx(0.95 - 0.99)


def test_gamma_prices_an_easy_element_down() -> None:
    cost, _ = panels("focal", "gamma")
    for gamma in (0.0, 2.0, 5.0):
        assert height(cost, f"{gamma:g}", 0.9) == pytest.approx(-(0.1**gamma) * log(0.9))


def test_sides_are_shown_where_they_differ() -> None:
    cost, _ = panels("focal", "alpha")
    assert height(cost, "0.25", 0.5, "positive") == pytest.approx(0.25 * 0.25 * log(2))
    assert height(cost, "0.25", 0.5, "negative") == pytest.approx(0.75 * 0.25 * log(2))
    assert height(cost, "None", 0.5) == pytest.approx(0.25 * log(2))
    assert cost.roles == ("positive", "negative")


def test_half_an_overlap_costs_dice_a_half_and_jaccard_two_thirds() -> None:
    sliding = {name: panels(name, None)[0] for name in ("dice", "jaccard")}
    assert height(sliding["dice"], "", 0.5) == pytest.approx(1 / 2, abs=2e-3)
    assert height(sliding["jaccard"], "", 0.5) == pytest.approx(1 - 50 / 150, abs=2e-3)


def test_alpha_prices_false_alarms_and_leaves_misses() -> None:
    _, alone, _ = panels("tversky", "alpha")
    assert height(alone, "0.9", 1.0, "false alarms") == pytest.approx(0.9 / 1.9, abs=5e-3)
    assert height(alone, "0.1", 1.0, "false alarms") == pytest.approx(0.1 / 1.1, abs=5e-3)
    for alpha in ("0.1", "0.9"):
        assert height(alone, alpha, 0.5, "misses") == pytest.approx(0.7 * 0.5 / (0.5 + 0.7 * 0.5), abs=5e-3)


def test_huber_is_half_a_square_near_and_a_line_far() -> None:
    cost, pull = panels("huber", "delta")
    assert height(cost, "1", 0.5) == pytest.approx(0.125)
    assert height(cost, "1", -3.0) == pytest.approx(2.5)
    assert height(pull, "1", -3.0) == pytest.approx(1.0)
    assert height(pull, "0.1", 0.5) == pytest.approx(0.1)


@pytest.mark.parametrize("name", catalogue())
def test_every_line_is_finite_and_the_loss_as_it_comes_is_among_them(name: str) -> None:
    spec = catalogue()[name]
    drawn = plots(spec)
    assert bool(drawn) == (scene_of(spec) is not None)
    for plot in drawn:
        assert plot.knob is None or plot.knob in spec.parameters
        numeric = plot.knob is None or isinstance(spec.parameters[plot.knob].default, int | float)
        for panel in plot.panels:
            assert not numeric or any(line.default for line in panel.lines)
            for line in panel.lines:
                assert len(line.trace.x) == len(line.trace.y)
                assert list(line.trace.x) == sorted(line.trace.x)
                assert all(map(isfinite, line.trace.y))


def test_a_spread_fills_the_widest_gap() -> None:
    assert spread(Between(0.0, 1.0), 0.1) == [0.0, 0.1, 0.55, 1.0]
    assert spread(Between(0.01, 1.0, log=True), None) == [0.01, 0.1, 1.0]


def test_a_critic_that_sees_through_it_starves_the_minimax_generator_alone() -> None:
    pulls = {name: panels(name, None)[2] for name in ("minimax", "non_saturating")}
    assert height(pulls["minimax"], "", -6.0) == pytest.approx(1 / (1 + exp(6)))  # -d log(1 - D)/dx = D
    assert height(pulls["non_saturating"], "", -6.0) == pytest.approx(1 / (1 + exp(-6)))


def test_the_critic_wants_real_samples_high_and_generated_ones_low() -> None:
    critic = panels("minimax", None)[0]
    undecided, sure = log(2), log(1 + exp(-4))
    for role, score in (("a real sample", 4.0), ("a generated one", -4.0)):
        [line] = [line for line in critic.lines if line.trace.role == role]
        assert line.trace.at(score) == pytest.approx(undecided + sure)


def test_a_box_that_shares_nothing_is_pulled_back_by_giou_and_not_by_iou() -> None:
    cost, pull, _ = panels("box_iou", "kind")
    assert height(cost, "iou", 0.5) == pytest.approx(1 - 0.5 / 1.5)
    assert height(pull, "iou", 1.5) == 0
    assert height(cost, "giou", 2.0) == pytest.approx(1 + 1 / 3)  # the box around both is 3 by 1, 1 of it empty
    assert height(pull, "giou", 1.5) > 0


def test_a_disc_costs_least_at_the_true_radius_and_the_more_the_farther_it_is_moved() -> None:
    cost, pull, moved = panels("boundary", None)
    [line] = cost.lines
    assert line.trace.x[line.trace.y.index(min(line.trace.y))] == pytest.approx(8.0, abs=0.5)
    assert all(y >= -1e-3 for y in pull.lines[0].trace.y)
    assert list(moved.lines[0].trace.y) == sorted(moved.lines[0].trace.y)


def test_mining_keeps_a_quarter_of_a_hundred_and_lets_go_of_what_is_easy() -> None:
    cost, pull = panels("hard_mining", "keep")
    hard = log(1 + exp(1))  # log-odds of -1
    assert height(cost, "0.25", 50) == pytest.approx(hard, rel=1e-4)
    assert height(cost, "1", 50) == pytest.approx((hard + log(1 + exp(-4))) / 2, rel=1e-4)
    assert height(pull, "0.25", 50, "the easy ones") == 0
    assert height(pull, "1", 50, "the easy ones") > 0


def test_five_characters_of_one_half_cost_five_times_ln_2() -> None:
    cost, pull = panels("ctc", None)
    assert height(cost, "", 0.5) == pytest.approx(5 * log(2))
    assert height(pull, "", 0.5) == pytest.approx(5 * 0.5)


def test_a_gap_costs_what_is_missing_of_the_skeleton_unless_the_vessel_is_too_wide_to_have_one() -> None:
    [gap] = panels("cl_dice", "iterations")
    found = (34 - 20 + 1) / (34 + 1)  # 40 pixels less 3 at either end, and smooth
    assert height(gap, "10", 20) == pytest.approx(1 - 2 * found / (1 + found), abs=1e-3)  # what is there is right
    assert height(gap, "1", 20) == pytest.approx(0, abs=0.02)


def test_an_edge_across_the_images_costs_all_and_one_at_30_degrees_a_quarter() -> None:
    cost = panels("gradient_consistency", "epsilon")[0]
    assert height(cost, "1e-06", 30.0) == pytest.approx(0.25, abs=1e-3)  # sin^2
    assert height(cost, "1e-06", 90.0) == pytest.approx(1.0, abs=1e-3)


def test_the_better_placed_of_two_boxes_is_pulled_harder() -> None:
    [pull] = panels("iou_balanced_classification", "eta")
    assert height(pull, "0", 1.0) == pytest.approx(0.5)
    assert height(pull, "1.5", 1.0) == pytest.approx(0.5 * 2 / (1 + 0.5**1.5))


def test_three_objects_listen_to_nine_hard_negatives() -> None:
    mined, _ = panels("multi_box", "neg_pos_ratio")
    easy, hard = log(1 + exp(-6)), log(1 + exp(1))
    assert height(mined, "3", 5) == pytest.approx((3 * easy + 5 * hard + 4 * easy) / 3)
    assert height(mined, "3", 20) == pytest.approx((3 * easy + 9 * hard) / 3)


def test_the_default_is_marked_as_such() -> None:
    cost, _ = panels("focal", "gamma")
    assert [line.label for line in cost.lines if line.default] == ["2"]


def test_a_critic_of_slope_2_pays_ten_and_is_pulled_down() -> None:
    cost, steep = panels("gradient_penalty", "weight")
    assert height(cost, "10", 2.0) == pytest.approx(10 * (2 - 1) ** 2)
    assert height(steep, "10", 2.0) == pytest.approx(20 * (2 - 1))
    assert height(steep, "10", 0.5) == pytest.approx(20 * (0.5 - 1))
