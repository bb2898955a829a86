"""A customer's dossier from the command line: a file to hand over."""

from contextlib import ExitStack
from pathlib import Path

import typer

from consumers.mistakes import files_told
from consumers.opened import opened
from domain.shared.refusals import NotFound
from infra import clock
from infra.event_store.search import FactSearch
from infra.keys import Keys
from infra.originals import Originals
from infra.postgres import WRITER, pool
from infra.secret_files import created
from infra.settings import Settings
from projections.dossier.making import Dossier
from projections.dossier.page import as_page
from projections.dossier.written import as_json
from projections.words import LANGUAGES


def write_dossier(  # noqa: PLR0913  # what the command line asks
    settings: Settings, customer: str, to: Path, *, shop: str, lang: str, html: bool, sent: bool
) -> int:
    """Write all that is known of a customer, and say so; that it was read is written down too."""
    if lang not in LANGUAGES:
        typer.echo(f"There is no language {lang}: {', '.join(LANGUAGES)}.", err=True)
        return 2
    if not to.parent.is_dir():
        typer.echo(f"{to.parent}: there is no such folder.", err=True)
        return 2
    if to.exists():
        typer.echo(f"{to} is there already.", err=True)
        return 2
    with ExitStack() as stack:
        here = stack.enter_context(opened(settings))
        assert here.settings.log_url is not None
        writer = stack.enter_context(pool(here.settings.log_url, WRITER, size=2))
        try:
            made = Dossier(
                here.identity(customer, shop),
                here.reader,
                FactSearch(writer, here.sealer).story,
                at=clock.now(),
                language=lang,
                names=Keys(writer).names(),
                blind=here.sealer.blind,
            )
        except NotFound:
            typer.echo(f"Nothing is known of {customer}.", err=True)
            return 1
        here.note("huike dossier", made.customer, shop)
        originals = Originals(writer, here.sealer)
        messages = originals.of(made.origins, upto=made.known.position) if sent else None
        with files_told(to), created(to) as file:
            if html:
                file.writelines(p.encode() for p in as_page(made.known, made.story, messages))
            else:
                file.writelines(as_json(made.known, made.story, messages))
    facts = sum(one.facts for one in made.known.identities)
    typer.echo(f"{to}: {facts:,} facts. It says who somebody is: hand it over, and delete it.")
    return 0
