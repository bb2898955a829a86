"""A customer's dossier from the command line: a file to hand over."""

from contextlib import ExitStack
from pathlib import Path

import typer

from consumers.mistakes import files_told
from consumers.opened import opened
from domain.shared.refusals import NotFound
from infra import clock
from infra.beside import Beside
from infra.event_store.search import FactSearch
from infra.keys import Keys
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
                Beside(writer, here.sealer, here.ids),
                at=clock.now(),
                language=lang,
                names=Keys(writer).names(),
                blind=here.sealer.blind,
                ids=here.ids,
            )
        except NotFound:
            typer.echo(f"Nothing is known of {customer}.", err=True)
            return 1
        here.note("huike dossier", made.customer, shop)
        with files_told(to), created(to) as file:
            if html:
                file.writelines(part.encode() for part in as_page(made, originals=sent))
            else:
                file.writelines(as_json(made, originals=sent))
    known = made.known
    facts = f"{to}: {sum(one.facts for one in known.identities):,} facts."
    if known.forgotten_at is None:
        typer.echo(f"{facts} It says who somebody is: hand it over, and delete it.")
    else:
        typer.echo(
            f"{facts} They were forgotten on {known.forgotten_at:%Y-%m-%d %H:%M} UTC: it says what "
            "is left of them, and how that is certified."
        )
    return 0
