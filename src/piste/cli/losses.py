"""`piste losses`, `piste weights` and `piste check`."""

from typing import TYPE_CHECKING, Annotated

import typer

from piste.cli.data import Classes, DataArgument, data_recipe

if TYPE_CHECKING:
    from piste.losses import LossSpec


def losses(
    name: Annotated[str | None, typer.Argument(help="One loss, such as focal: everything that is known of it.")] = None,
    task: Annotated[str | None, typer.Option(help="Only the losses that suit a task, such as segmentation.")] = None,
) -> None:
    """List the losses, or show one's card."""
    from rich.console import Console
    from rich.table import Table

    from piste.losses import catalogue
    from piste.names import nearest

    specs = catalogue()
    if name is not None:
        if name not in specs:
            raise ValueError(f"no loss is called {name!r}; {nearest(name, specs)}")
        _card(specs[name])
        return
    tasks = sorted({task for spec in specs.values() for task in spec.tasks})
    if task is not None and task not in tasks:
        raise ValueError(f"`--task` is {task!r}; {nearest(task, tasks)}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("loss", "family", "leans to", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for spec in specs.values():
        if task is None or task in spec.tasks:
            table.add_row(spec.name, spec.family, spec.leaning(), spec.summary)
    console = Console()
    console.print(table)
    console.print("\n`piste losses NAME` shows one whole.", style="dim", highlight=False)


def _card(spec: "LossSpec") -> None:
    """Everything that a loss declares, in the terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"[bold]{spec.name}[/bold]  {spec.summary}\n", markup=True)
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column()
    low, high = spec.value_range
    facts.add_row("suits", ", ".join(spec.tasks))
    facts.add_row("class", f"piste.losses.{spec.cls.__name__}")
    facts.add_row("source", spec.source)
    facts.add_row("range", f"{low:g} to {high:g}")
    facts.add_row("leans to", spec.leaning())
    if spec.activations:
        facts.add_row("activation", " or ".join(spec.activations))
    for keyword, parameter in spec.parameters.items():
        search = f"   worth searching: {spec.search[keyword]}" if keyword in spec.search else ""
        facts.add_row("keyword", f"{keyword} = {parameter.default!r}{search}")
    for case in spec.cases:
        facts.add_row("worked", f"{case.expected:.6g}: {case.why}")
    for promise, reason in spec.waivers.items():
        facts.add_row("waived", f"{promise}: {reason}")
    console.print(facts)


def weights(data: DataArgument, classes: Classes = None) -> None:
    """Show class frequencies and the weights made of them.

    Counts the training split; each method of class weights has its column.
    """
    from rich.console import Console
    from rich.table import Table

    from piste.balance import METHODS, class_weights
    from piste.data.segmentation import open_segmentation

    opened = open_segmentation(data_recipe(data, classes))
    counts = opened.counts
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("class", "share", "images", *METHODS):
        table.add_column(column, justify="left" if column == "class" else "right")
    made = {method: class_weights(counts.pixels, method, containing=counts.containing) for method in METHODS}
    for index, name in enumerate(opened.class_names):
        share = counts.pixels[index] / max(counts.total, 1)
        row = [name, f"{share:.2%}", str(counts.images[index])]
        table.add_row(*row, *(f"{float(made[method][index]):.3g}" for method in METHODS))
    Console().print(table)
    typer.echo("\nIn a recipe: loss: {cross_entropy: {weight: inverse}}")


def check(
    subject: Annotated[str, typer.Argument(metavar="FILE.py:NAME", help="A loss of yours: a function or a module.")],
    task: Annotated[str, typer.Option(help="The task it is for.")] = "segmentation",
) -> None:
    """Hold a loss of yours to the catalogue's contract.

    Tries its gradient against finite differences, extreme logits, half precision, whether it reads its target, and
    more; says in words what failed. Changes nothing.
    """
    from rich.console import Console

    from piste.losses.contract import load_subject, run_contract

    findings = run_contract(load_subject(subject), task)
    console = Console(highlight=False, markup=False)
    for finding in findings:
        console.print(f"{'kept  ' if finding.ok else 'BROKEN'}  {finding.promise}", style=None if finding.ok else "red")
        if finding.message:
            console.print(f"        {finding.message}", style="dim" if finding.ok else None)
    broken = sum(not finding.ok for finding in findings)
    typer.echo(f"\n{len(findings) - broken} promises kept, {broken} broken")
    if broken:
        raise typer.Exit(1)
