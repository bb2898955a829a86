"""A certificate is checked by trying: what is left or comes back contradicts it, and is named."""

from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest

from commands.customer import AddTag
from consumers.erasure.checking import verify
from consumers.erasure.standing import of_erasures
from domain.order.events import OrderDelivered
from infra.access_log import Access, AccessLog
from infra.certificates import signed
from infra.epochs import renew
from infra.erasure_certificate import certificate_of
from infra.keyring import Keyring
from infra.postgres import OWNER, WRITER, connect, pool
from infra.settings import Settings
from infra.signing import Signer
from projections.runtime import schema
from tests.consumers.erasure.asked import Privacy
from tests.consumers.following import eventually

pytestmark = pytest.mark.slow

ASIDE: Final = ("keeper.person_key", "keeper.refused_key", "log.refused", "log.idempotency")
"""Tables of which a copy is put aside while the customer is known."""


class Lie(NamedTuple):
    """What is done to the database by who has it, what that contradicts, and how it is undone."""

    done: str
    contradicts: set[str]
    undone: str


LIES: Final = (
    Lie(
        "update keeper.person_key k set wrapped = a.wrapped from aside_person_key a"
        " where k.identity = a.identity and k.identity = %(ada)s",
        {"keys", "facts", "reasons of reads"},
        "update keeper.person_key set wrapped = null where identity = %(ada)s",
    ),
    Lie(
        "update keeper.person_key set identity = gen_random_uuid() where identity = %(ada)s",
        {"keys"},
        "update keeper.person_key set identity = %(ada)s where wrapped is null",
    ),
    Lie(
        "insert into log.refused table aside_refused;",
        set(),  # nothing opens it
        "delete from log.refused",
    ),
    Lie(
        "with key as (insert into keeper.refused_key table aside_refused_key)"
        " insert into log.refused table aside_refused",
        {"refused events"},
        "delete from log.refused",
    ),
    Lie(
        "insert into log.idempotency table aside_idempotency",
        {"answers and jobs"},
        "delete from log.idempotency",
    ),
    Lie(
        "insert into log.job (kind, asked, asked_by, created_at, finished_at, answer) values"
        " ('x', '{}', 'x', now() - interval '1 day', now(), jsonb_build_array(%(ada)s::uuid))",
        {"answers and jobs"},
        "delete from log.job",
    ),
    Lie(
        "insert into log.job (kind, asked, asked_by, finished_at, answer) values"
        " ('x', '{}', 'x', now(), jsonb_build_array(%(ada)s::uuid))",
        set(),  # it was asked for after she was forgotten
        "delete from log.job",
    ),
    Lie(
        "update {profile} set email_mask = 'a•••@e•••.com' where customer = %(ada)s",
        {"views"},
        "update {profile} set email_mask = null where customer = %(ada)s",
    ),
    Lie(
        "update {profile} p set person = a.person from aside_profile a"
        " where p.customer = a.customer and p.customer = %(ada)s",
        {"views"},  # though no key opens it
        "update {profile} set person = '' where customer = %(ada)s",
    ),
    Lie(
        "insert into log.original values (1, now(), %(ada)s, 'tea', 'site', 'x')",
        {"messages as sent"},
        "delete from log.original where position = 1 and sealed = 'x'",
    ),
    Lie(
        "update log.fact set origin = null where position = 1",
        {"facts"},
        "update log.fact set origin = %(ada)s where position = 1",
    ),
)


@pytest.fixture
def checked(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Check a certificate; return what contradicts it."""

    def check(certificate: bytes) -> set[str]:
        file = tmp_path / "certificate.json"
        file.write_bytes(certificate)
        found = verify(settings, file)
        lines = capsys.readouterr().out.splitlines()
        wrong = {line[2:].partition(":")[0] for line in lines if line.startswith("✗")}
        assert found == int(bool(wrong)), lines
        return wrong

    return check


def show(desk: Privacy, whom: Any) -> None:
    """Have it written down that somebody was shown a customer, and why."""
    read = Access(
        actor_kind="key",
        actor_id="1",
        whom=(whom,),
        operation="reveal",
        basis="scope personal",
        request="1",
        shop="tea",
        reason="She asked for it",
    )
    with (
        pool(desk.shop.url, WRITER, size=1) as writer,
        closing(AccessLog(writer, desk.shop.sealer)) as log,
    ):
        log.write(read)


def test_whatever_comes_back_contradicts_it_and_is_named(desk: Privacy, checked: Any) -> None:
    ada = desk.know("ada")
    desk.ask(AddTag(customer=ada, tag="vip"), idempotency="once")
    desk.refuse(b'{"batch":[{"userId":"ada"}]}')
    show(desk, ada)
    eventually(lambda: schema.active(desk.shop.connection, "profile") is not None, "a profile")
    served = schema.active(desk.shop.connection, "profile")
    assert served is not None
    profile = f"{served.schema}.profile"

    with closing(connect(desk.shop.url)) as admin:

        def put(statement: str) -> None:
            told = statement.replace("{profile}", profile)
            admin.execute(told.encode(), {"ada": ada})

        def is_there() -> bool:
            return admin.execute(f"table {profile}".encode()).rowcount > 0

        eventually(is_there, "a profile")
        for table in (*ASIDE, profile):
            put(f"create table aside_{table.partition('.')[2]} as table {table}")
        done = desk.certified(desk.request(ada))
        assert done.certificate is not None
        assert (done.refused, done.answers) == (1, 1)
        assert checked(done.certificate) == set()
        for lie in LIES:
            put(lie.done)
            assert checked(done.certificate) == lie.contradicts, lie.done
            put(lie.undone)
            assert checked(done.certificate) == set(), lie.undone


def test_answers_to_what_was_so_already_go_with_whom_they_are_about(
    desk: Privacy, checked: Any
) -> None:
    ada, bob = desk.know("ada"), desk.know("bob")
    desk.shop.pay("ada", "o1", 12)
    hers = desk.shop.ids.order("tea", "o1")
    desk.shop.say(OrderDelivered(), user="ada", stream=hers)
    for whose in (ada, bob):
        for key in ("first", "again"):
            desk.ask(AddTag(customer=whose, tag="vip"), idempotency=f"{whose} {key}")
    with closing(connect(desk.shop.url)) as admin:
        admin.execute(
            "insert into log.idempotency values ('order', 'x', null, %s, now()),"
            " ('none', 'x', null, '{}', now()), ('bytes', 'x', null, '\\x00ff', now())",
            (f'{{"id":"{hers}","version":2}}'.encode(),),
        )
        kept = admin.execute("table log.idempotency").rowcount
        admin.execute("create table aside_idempotency as table log.idempotency")
        done = desk.certified(desk.request(ada))
        left = admin.execute("table log.idempotency").rowcount
        assert (kept, done.answers, left) == (7, 3, 4)
        assert done.certificate is not None
        assert checked(done.certificate) == set()
        admin.execute("truncate log.idempotency")
        admin.execute(
            "insert into log.idempotency select * from aside_idempotency where position is null"
        )
        assert checked(done.certificate) == {"answers and jobs"}


def test_a_certificate_of_something_else_contradicts_itself(
    desk: Privacy, settings: Settings, checked: Any
) -> None:
    desk.know("bob")
    done = desk.certified(desk.request(desk.know("ada")))
    assert done.certificate is not None
    certificate = certificate_of(done.certificate)
    certified = certificate.certified
    replace = msgspec.structs.replace
    here, another = (
        Signer.beside(file)
        for file in (settings.keyring_file, settings.keyring_file.with_name("other") / "keyring")
    )
    changed = replace(certificate, certified=replace(certified, refused=7))
    assert checked(msgspec.json.encode(changed)) == {"signature", "log"}
    put_in = done.certificate.replace(b'"certified": {', b'"certified": {"signed_off_by": "CEO",')
    assert checked(put_in) == {"signature"}
    assert checked(signed(certified, another)) == {"signature"}
    assert checked(signed(replace(certified, installation="x"), here)) == {"signature", "log"}
    assert checked(signed(replace(certified, facts=1), here)) == {"log", "facts"}
    bobs = [replace(key, identity=desk.shop.user("bob")) for key in certified.keys]
    of_bob = signed(replace(certified, keys=bobs), here)
    assert {"log", "keys", "facts", "views"} <= checked(of_bob)


def test_what_stood_in_its_place_before_is_not_taken_for_it(desk: Privacy, checked: Any) -> None:
    bobs = desk.certified(desk.request(desk.know("bob"))).certificate
    for user, put in {"ada": bobs, "eve": b"no certificate"}.items():
        asked = desk.request(desk.know(user))
        desk.stands(asked)
        desk.log.execute("update log.erasure set certificate = %s where erasure = %s", (put, asked))
        done = desk.certified(asked)
        assert done.certificate is not None
        assert certificate_of(done.certificate).digest == done.digest
        assert certificate_of(done.certificate).certified.erasure == asked
        assert checked(done.certificate) == set()


def test_it_says_whether_older_backups_open(
    desk: Privacy, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = desk.certified(desk.request(desk.know("ada")))
    assert done.certificate is not None
    file = tmp_path / "certificate.json"
    file.write_bytes(done.certificate)
    assert verify(settings, file) == 0
    told = capsys.readouterr().out
    assert "✓ facts: 0 of" in told
    assert "older backups: open until the next epoch" in told
    assert settings.log_url is not None
    renew(settings.log_url, Keyring.open(settings.keyring_file))
    assert verify(settings, file) == 0
    assert "older backups: open no more, since epoch 2" in capsys.readouterr().out


def test_what_is_no_certificate_is_said_to_be_none(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "certificate.json"
    file.write_text('{"certified": 1}')
    assert verify(settings, file) == 2
    assert "is no certificate" in capsys.readouterr().err


def test_the_doctor_says_what_waits_and_what_is_late(desk: Privacy, settings: Settings) -> None:
    assert settings.log_url is not None
    assert list(of_erasures(settings.log_url)) == []
    ada = desk.know("ada")
    asked = desk.request(ada)
    desk.stands(asked)
    assert list(of_erasures(settings.log_url)) == [("1 wait, 0 done", None)]
    with connect(desk.shop.url, OWNER) as owner:
        owner.execute("update log.erasure set due_at = due_at - interval '11 minutes'")
    ((_, mend),) = of_erasures(settings.log_url)
    assert mend is not None
    assert mend.startswith(f"1 are late, {asked}: ")
    desk.certified(asked)
    assert list(of_erasures(settings.log_url)) == [("0 wait, 1 done", None)]
