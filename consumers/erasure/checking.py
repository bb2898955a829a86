"""Checks a certificate against the system as it runs, or as it was restored: it tries to open."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from consumers.checks import Check, signature, verified
from consumers.erasure.leftovers import leftovers
from consumers.opened import Opened, opened
from domain.customer.events import ErasureCertified
from domain.shared.events import Fact
from infra.epochs import standing
from infra.erasure_certificate import CertifiedErasure, ErasureCertificate, certificate_of
from infra.installation import mark_of
from infra.postgres import KEEPER, connect
from infra.settings import Settings
from infra.signing import Signer


def verify(settings: Settings, file: Path) -> int:
    """Check a certificate and print what was found; return 1 when anything contradicts it."""

    def checks(certificate: ErasureCertificate) -> Iterator[Check]:
        with opened(settings) as here:
            yield from _checks(here, certificate)

    return verified(file, certificate_of, "an erasure", checks)


def _checks(here: Opened, certificate: ErasureCertificate) -> Iterator[Check]:
    certified = certificate.certified
    identities = [key.identity for key in certified.keys]
    log_url = here.settings.log_url
    assert log_url is not None
    key = Signer.beside(here.settings.keyring_file).public
    ours = certified.installation == mark_of(here.ids)
    yield signature(certificate, key, "installation", here=ours)
    facts = here.reader.of_origins(identities, upto=here.reader.last())
    yield _told(here, certificate, facts)
    with closing(connect(log_url, KEEPER)) as connection:
        yield _epoch(certified, standing(connection).epoch)
    yield from leftovers(here, certified, facts)


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
