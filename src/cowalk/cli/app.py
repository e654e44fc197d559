"""The list of commands. Nothing heavy is imported before a command runs, so that --help is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from cowalk import __version__
from cowalk.cli.bench_index import bench_index
from cowalk.cli.classify import classify
from cowalk.cli.compare import compare
from cowalk.cli.demo import demo
from cowalk.cli.embed import embed
from cowalk.cli.evaluate import evaluate
from cowalk.cli.export import export
from cowalk.cli.fit import fit
from cowalk.cli.index import index
from cowalk.cli.inspect import inspect
from cowalk.cli.publish import publish
from cowalk.cli.rank import rank
from cowalk.cli.recipes import recipes
from cowalk.cli.recommend import recommend
from cowalk.cli.serve import serve
from cowalk.cli.similar import similar
from cowalk.cli.simulate import simulate
from cowalk.cli.tune import tune
from cowalk.cli.update import update
from cowalk.cli.users import users

app = typer.Typer(
    name="cowalk",
    help="Item and user vectors for recommenders: from behaviour logs and item attributes to answers.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    fit,
    tune,
    update,
    index,
    bench_index,
    evaluate,
    compare,
    classify,
    similar,
    recommend,
    serve,
    users,
    embed,
    inspect,
    export,
    publish,
    simulate,
    demo,
    recipes,
):
    app.command()(command)
app.add_typer(rank)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cowalk {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Item and user vectors for recommenders: from behaviour logs and item attributes to answers."""
