"""Checks a certificate against the system as it runs, or as it was restored: it tries to open."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import typer
from psycopg import sql

from consumers.opened import Opened, opened
from domain.customer.events import ErasureCertified
from domain.shared.events import Fact
from domain.shared.personal import ERASED
from infra.epochs import standing
from infra.erasure_certificate import CertifiedErasure, ErasureCertificate, certificate_of
from infra.originals import Originals
from infra.postgres import KEEPER, WRITER, connect, pool
from infra.settings import Settings
from infra.signing import Signer
from projections import catalogue
from projections.runtime import schema
from projections.runtime.columns import context_of, personal_columns

_TELLING: Final = ("_mask", "_index")
"""How columns end that are made of what is sealed."""

_KEYS: Final = (
    "select count(*) from keeper.person_key where identity = any(%s) and wrapped is not null"
)
_ORIGINALS: Final = "select position from log.original where origin = any(%s) order by position"


class Check(msgspec.Struct, frozen=True):
    """What was looked at, what was found, and whether that is as it should be."""

    what: str
    found: str
    good: bool = True


def verify(settings: Settings, file: Path) -> int:
    """Check a certificate and print what was found; return 1 when anything contradicts it."""
    try:
        certificate = certificate_of(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        typer.echo(f"{file} is no certificate: {error}.", err=True)
        return 2
    bad = 0
    with opened(settings) as here:
        for check in _checks(here, certificate):
            typer.echo(f"{'✓' if check.good else '✗'} {check.what}: {check.found}")
            bad += not check.good
    typer.echo("It holds." if not bad else "It does not hold.")
    return int(bad > 0)


def _checks(here: Opened, certificate: ErasureCertificate) -> Iterator[Check]:
    certified = certificate.certified
    identities = [key.identity for key in certified.keys]
    log_url = here.settings.log_url
    assert log_url is not None
    yield _signature(here, certificate)
    facts = here.reader.of_origins(identities, upto=here.reader.last())
    yield _told(here, certificate, facts)
    with closing(connect(log_url, KEEPER)) as connection:
        (left,) = connection.execute(_KEYS, (identities,)).fetchone() or (0,)
        yield Check("keys", f"{left} of {len(identities)} are there", good=left == 0)
        yield _epoch(certified, standing(connection).epoch)
    open_ = sum(map(_opens, facts))
    yield Check("facts", f"{open_} of {len(facts)} open", good=open_ == 0)
    with pool(log_url, WRITER, size=1) as writer:
        with writer.connection() as connection:
            kept = [row[0] for row in connection.execute(_ORIGINALS, (identities,)).fetchall()]
        originals = Originals(writer, here.sealer)
        open_ = sum(originals.find(position).message is not None for position in kept)
    yield Check("messages as sent", f"{open_} of {len(kept)} open", good=open_ == 0)
    told = sorted(_shown(here, identities))
    yield Check("views", ", ".join(told) or "say nothing of who it was", good=not told)


def _signature(here: Opened, certificate: ErasureCertificate) -> Check:
    if not certificate.is_signed:
        return Check("signature", "it was changed after it was signed", good=False)
    if certificate.public_key != Signer.beside(here.settings.keyring_file).public:
        return Check("signature", "another service's", good=False)
    return Check("signature", "this service's")


def _told(here: Opened, certificate: ErasureCertificate, facts: Sequence[Fact]) -> Check:
    digests = {f.event.digest for f in facts if isinstance(f.event, ErasureCertified)}
    if certificate.digest in digests:
        return Check("log", "it says that this certificate was made")
    if not digests and here.reader.last() < certificate.certified.position:
        return Check("log", "it ends before the erasure: an older one, restored")
    return Check("log", "it does not know this certificate", good=False)


def _epoch(certified: CertifiedErasure, epoch: int) -> Check:
    if epoch > certified.epoch:
        return Check("older backups", f"open no more, since epoch {epoch}")
    return Check("older backups", "open until the next epoch: `huike keyring renew` makes it")


def _opens(fact: Fact) -> bool:
    """Tell whether anything of a fact that says who somebody is can be read."""
    event: Any = fact.event
    stored = getattr(type(event), "stored", None)
    values = (getattr(event, name) for name in stored.personal) if stored else ()
    return any(value is not None and value is not ERASED for value in values)


def _shown(here: Opened, identities: Sequence[UUID]) -> Iterator[str]:
    """Yield the columns in which something of somebody can be read."""
    for view in catalogue.VIEWS.values():
        served = schema.active(here.views, view.name)
        if served is None:
            continue
        for table in view.tables:
            sealed = personal_columns(table)
            for column in table.columns:
                if column in sealed or column.endswith(_TELLING):
                    statement = sql.SQL(
                        "select {subject}, {column} from {table}"
                        " where {subject} = any(%s) and {column} is not null"
                    ).format(
                        table=sql.Identifier(served.schema, table.name),
                        subject=sql.Identifier(table.key[0]),
                        column=sql.Identifier(column),
                    )
                    rows = here.views.execute(statement, (list(identities),)).fetchall()
                    context = context_of(view.name, table.name, column)
                    if any(
                        column not in sealed or here.sealer.open(subject, value, context)
                        for subject, value in rows
                    ):
                        yield f"{table.name}.{column}"
