"""The `piste` command: its commands, and how errors reach the terminal."""

import os
import sys

import typer

from piste.cli import data, export, losses, predict, recipes, runs, schema, train

HELP = """The loss-function workbench for computer vision.

Train a model with any loss, sum, ramp or cycle of losses; compare runs on precision, recall and objects found.

\b
  piste demo                        cross-entropy against a cycle, on real lakes
  piste run lakes --name first      train a built-in recipe, or a file.yaml
  piste run lakes --set epochs=12   with one setting changed
  piste compare first lakes         what differs, in settings and results
  piste losses --task segmentation  the losses that suit a task
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(train.run)
app.command("resume")(train.resume)
app.command("demo")(train.demo)
app.command("runs")(runs.runs)
app.command("compare")(runs.compare)
app.command("report")(runs.report)
app.command("recipes")(recipes.recipes)
app.command("losses")(losses.losses)
app.command("weights")(losses.weights)
app.command("check")(losses.check)
app.command("export")(export.export)
app.command("predict")(predict.predict)
app.command("schema")(schema.schema)
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line: bad input is one line and exit code 2, a run that failed one line and exit code 1.

    With PISTE_TRACEBACK=1 in the environment, errors keep their traceback.
    """
    if os.environ.get("PISTE_TRACEBACK") == "1":
        app()
        return
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        _stop(error, 2)
    except (FloatingPointError, OSError) as error:
        _stop(error, 1)
    except RuntimeError as error:
        if not _left_alone(error):
            raise
        _stop("another process of this training has stopped, and so does this one; `piste resume` goes on", 1)
    except KeyboardInterrupt:
        _stop("interrupted; `piste resume` goes on from the last checkpoint", 130)


def _left_alone(error: RuntimeError) -> bool:
    """Whether this is how a process learns that another one, which it trains with, is gone."""
    from piste.training import processes

    return processes.count() > 1 and any(word in str(error) for word in ("closed by peer", "reset by peer"))


def _stop(error: object, code: int) -> None:
    sys.stdout.flush()
    if isinstance(error, OSError) and error.strerror:  # its own text begins with a number
        error = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
    print("piste: " + " ".join(str(error).split()), file=sys.stderr)
    sys.exit(code)
