"""No form of a secret survives; what is no secret stays readable."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml

from conformance.common.redaction import Redactor

VALUE = 'p&ss "w0rd" ü$1/+%'
# Put together here, so that no file of this project looks like one that holds a key.
KEY = "-----BEGIN RSA PRIVATE " + "KEY-----\n" + "MIIEpAIBAAKCAQEA7\n" * 3
KEY += "-----END RSA PRIVATE " + "KEY-----\n"
OPAQUE = "qT7" + "w-_4" * 10 + ".Rz" + "9k_" * 13
"""As Hydra and Kratos make them; of challenges, codes, cookies and tokens."""
TOKEN = ".".join(("eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJzeXN0ZW0ifQ", "c2lnbmF0dXJl"))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(**data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {key: encoded(value) for key, value in data.items()},
    }


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE),
        quote(VALUE, safe=""),
        quote_plus(VALUE),
        html.escape(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE, ensure_ascii=False),
        json.dumps(VALUE).replace("&", "\\u0026"),
        repr({"password": VALUE}),
        encoded(VALUE),
        encoded(VALUE + "\n"),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
        f"https://admin:{quote(VALUE, safe='')}@registry.test/v2/",
        "Authorization: Basic " + encoded(f"admin:{VALUE}"),
        yaml.safe_dump(secret(password=VALUE)),
    ],
)
def test_every_form_of_a_learnt_value(form: str):
    redactor = Redactor()
    redactor.learn(secret(password=VALUE, username="admin"))
    shown = redactor.redact(f"before {form} after")
    assert "***" in shown
    for part in ("w0rd", encoded(VALUE).rstrip("="), encoded(f"admin:{VALUE}").rstrip("=")):
        assert part not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def in_json(text: str, times: int) -> str:
    return in_json(json.dumps({"body": text}), times - 1) if times else text


@pytest.mark.parametrize("value", [VALUE, 'Ab"cd\\efgh12', "\\'Ab'cd\"", "Ab\ncd<ef>"])
@pytest.mark.parametrize(
    "write",
    [
        lambda text: in_json(text, 2),
        lambda text: in_json(text, 3),
        lambda text: json.dumps(in_json(text, 1)).replace("&", "\\u0026"),
        lambda text: html.escape(in_json(text, 1)),
        lambda text: html.escape(in_json(text, 2)),
        lambda text: html.escape(in_json(text, 1)).replace("&quot;", "&#34;"),
        lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    ],
)
def test_a_learnt_value_in_one_format_inside_of_another(value: str, write: Callable[[str], str]):
    redactor = Redactor()
    redactor.learn_value(value)
    marked = write(f"before {value} after")
    start, end = marked.index("before "), marked.index(" after")
    assert redactor.redact(marked) == f"{marked[:start]}before ***{marked[end:]}"


@pytest.mark.parametrize("value", [VALUE, "Pa/ss+w=rd99", "%2fa b%%41", "a/(b)*!"])
@pytest.mark.parametrize(
    "encode",
    [quote, quote_plus, lambda text: quote(text, safe=""), lambda text: quote(text, safe="!'()*")],
)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_learnt_value_in_a_url(value: str, encode: Callable[[str], str], times: int):
    redactor = Redactor()
    redactor.learn_value(value)
    text = value
    for _ in range(times):
        text = encode(text)
    for written in (text, re.sub("%..", lambda match: match[0].lower(), text)):
        assert redactor.redact(f"?before={written}&after=x") == "?before=***&after=x"


def test_a_value_that_ends_with_a_backslash_leaves_the_quote_after_it_escaped():
    redactor = Redactor()
    redactor.learn_value("Abcd\\")
    shown = redactor.redact(in_json("Abcd\\", 2))
    assert '"body": "***' in json.loads(shown)["body"]


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        KEY.replace("\n", "\\n"),
        KEY.replace("\n", "\n    "),
        KEY[:70],
        encoded(KEY),
        f"token {TOKEN}",
        "https://flux:unl3arnt@git.test/x.git",
        "redis://:unl3arnt@redis.test/0",
        "Authorization: Bearer unl3arnt-opaque-token",
        "Authorization: Basic " + encoded("flux:unl3arnt"),
    ],
)
def test_hidden_without_having_been_learnt(text: str):
    shown = Redactor().redact(f"before {text} after")
    for part in (
        "MIIEpAIBAAKCAQEA7",
        TOKEN[:30],
        "unl3arnt",
        encoded(KEY)[40:80],
        encoded("flux:"),
    ):
        assert part not in shown
    assert shown.startswith("before ")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"assert 'ory_rt_{OPAQUE}' != 'ory_rt_{OPAQUE}'", "assert '***' != '***'"),
        (f"X-Session-Token: ory_st_{OPAQUE[:32]}", "X-Session-Token: ***"),
        (f"/callback?code=ory_ac_{OPAQUE}&scope=a", "/callback?code=***&scope=a"),
        (f"/recovery?code=123456&flow={OPAQUE[:5]}", f"/recovery?code=***&flow={OPAQUE[:5]}"),
        (f"?scope=a&state={OPAQUE}&x=1", "?scope=a&state=***&x=1"),
        (f"?scope=a&amp;state={OPAQUE}&amp;x=1", "?scope=a&amp;state=***&amp;x=1"),
        (f"?scope=a\\u0026state={OPAQUE}\\u0026x=1", "?scope=a\\u0026state=***\\u0026x=1"),
        (f"/web/login?login_challenge={OPAQUE}%3D&x=1", "/web/login?login_challenge=***&x=1"),
        (f"&consent_verifier={OPAQUE}==", "&consent_verifier=***"),
        (
            "return_to=" + quote(f"https://a/?logout_challenge={OPAQUE}&x=1", safe=""),
            "return_to=https%3A%2F%2Fa%2F%3Flogout_challenge%3D***%26x%3D1",
        ),
        (
            "u=" + quote(quote(f"/?state={OPAQUE}&x=1", safe=""), safe=""),
            "u=%252F%253Fstate%253D***%2526x%253D1",
        ),
        (json.dumps({"login_verifier": OPAQUE}), '{"login_verifier": "***"}'),
        (json.dumps(json.dumps({"csrf_token": OPAQUE})), json.dumps('{"csrf_token": "***"}')),
        (repr({"csrfmiddlewaretoken": OPAQUE}), "{'csrfmiddlewaretoken': '***'}"),
        (
            f'<input type="hidden" name="consent_challenge" value="{OPAQUE}">',
            '<input type="hidden" name="consent_challenge" value="***">',
        ),
        (f"<Cookie ory_kratos_session={OPAQUE} for .a.test/>", "<Cookie ory_kratos_session=*** "),
        (
            f"[{{'name': 'ory_kratos_session', 'value': '{OPAQUE}', 'path': '/'}}]",
            "[{'name': 'ory_kratos_session', 'value': '***', 'path': '/'}]",
        ),
        (f"Cookie(name='__Host-notes', value='{OPAQUE}', port=None)", "value='***', port=None)"),
        (
            f"Cookie: theme=dark; mine={OPAQUE}; ory_hydra_login_csrf_1={OPAQUE}==\nAccept: a/b",
            "Cookie: theme=dark; mine=***; ory_hydra_login_csrf_1=***\nAccept: a/b",
        ),
        (
            f"Set-Cookie: mine={OPAQUE}; Path=/; Domain=dashboard.stackspin.test; Secure",
            "Set-Cookie: mine=***; Path=/; Domain=dashboard.stackspin.test; Secure",
        ),
        (
            json.dumps({"set-cookie": [f"a={OPAQUE}; Path=/", f"b={OPAQUE}; Path=/"], "x": "a=b"}),
            '{"set-cookie": ["a=***; Path=/", "b=***; Path=/"], "x": "a=b"}',
        ),
        (
            f"map[Cookie:[a={OPAQUE}] Url:[/?code=ory_ac_{OPAQUE}]]",
            "map[Cookie:[a=***] Url:[/?code=***]]",
        ),
        (f"wordpress_sec_{'0a' * 16}=admin%7C1{OPAQUE}", f"wordpress_sec_{'0a' * 16}=***"),
    ],
)
def test_what_a_login_leaves_in_logs(text: str, left: str):
    shown = Redactor().redact(text)
    assert left in shown
    assert OPAQUE[:16] not in shown
    assert Redactor().redact(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "exited with code=137, state=Running, reason=Error",
        "/api?code=404&state=active&page=2",
        '{"state": "active", "code": 404, "session": {"id": "5d81fb4b-11ab-425e-a75e"}}',
        "code_challenge=RQ0m71ulinYfH2lRQOWmASlwkhxw5C7V24UGr8uKrfQ&code_challenge_method=S256",
        '"cookie":"Value is sensitive and has been redacted. To see it set log.leak = true"',
        "__Host-notes lacks Secure: Path=/; HttpOnly; Expires=Wed, 25 Nov 2026 13:00:00 GMT",
        "csrf_token=self._make_token(request), code_verifier=attempt.verifier,",
        "CREATE INDEX hydra_oauth2_authentication_session_subject_idx ON factory_of_everything",
        "a login_challenge is missing; consent_challenge: required",
        "ory_x_popx_cockroach_transaction_retries_total ory_kratos_session ory_to_be_continued",
        "Set-Cookie: csrf=; Path=/web/logout/after/that; Max-Age=0; SameSite=Lax",
        "https://dashboard.stackspin.test/web/login?flow=5d81fb4b-11ab-425e-a75e-7de48fdcf3a1",
    ],
)
def test_what_looks_like_a_login_stays_readable(text: str):
    assert Redactor().redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "http://host:8080/@x and http://:8080/@x",
        "listening on http://:8080, ask ops@stackspin.test",
        "ssh://git@github.com:22/a/b.git git@github.com:22/a/b.git",
        f"docker://registry:5000/a/b:1.2@sha256:{'0a' * 32}",
        f"registry:5000/a@sha256:{'0a' * 32}",
    ],
)
def test_addresses_without_a_password_stay_readable(text: str):
    assert Redactor().redact(text) == text


def test_a_learnt_value_inside_of_a_cookie():
    redactor = Redactor()
    redactor.learn_value("pa$$;w0rd")
    redactor.learn_value("tiny")
    assert redactor.redact("Cookie: a=pa$$;w0rd; b=tiny; c=d") == "Cookie: a=***; b=***; c=d"


def test_a_value_of_several_lines_however_it_is_indented():
    value = "first line here\nsecond line here\nthird line here"
    redactor = Redactor()
    redactor.learn(secret(file=value))
    assert redactor.redact(f"a: |\n  {value}".replace("\n", "\n  ")) == "a: |\n    ***"
    assert redactor.redact(json.dumps(value)) == '"***"'


def test_what_a_document_in_a_secret_holds():
    values = yaml.safe_dump({"smtp": {"password": "deep-one"}, "replicas": 3, "title": "My notes"})
    redactor = Redactor()
    redactor.learn(secret(**{"values.yaml": values, "env": "A=1\nDB_PASSWORD='other one'\n:"}))
    assert redactor.redact("deep-one, other one") == "***, ***"
    assert redactor.redact("3 of My notes, A=1") == "3 of My notes, A=1"


def test_platform_variables_stay_readable_beside_their_secrets():
    redactor = Redactor()
    redactor.learn(secret(domain="stackspin.test", ip_address="10.1.2.3", smtp_pass="pass-word"))
    redactor.learn(secret(other="10.9.9.9", tiny="abc", flag="true"))
    redactor.allow("10.9.9.9")
    text = "https://notes.stackspin.test at 10.1.2.3 and 10.9.9.9, abc, true"
    assert redactor.redact(text) == text
    assert redactor.redact("with pass-word") == "with ***"
    assert redactor.redact("Basic authentication is on") == "Basic authentication is on"


@pytest.mark.parametrize(
    "key",
    [
        *("CLIENT_ID", "clientId", "client-id", "hostname"),
        *("POSTGRES_DB", "POSTGRES_USER", "MARIADB_DATABASE"),
        *("existingClaim", "existingConfigmap", "existingSecret", "secretName"),
    ],
)
def test_what_names_something_stays_readable(key: str):
    redactor = Redactor()
    redactor.learn(secret(**{key: "notes-of-somebody"}))
    redactor.learn(secret(**{"values.yaml": f"a:\n  {key}: notes-of-somebody\n"}))
    assert redactor.redact("as notes-of-somebody") == "as notes-of-somebody"


@pytest.mark.parametrize("key", ["database", "hydra", "admin", "secret", "client_secret", "id"])
def test_what_may_be_a_password_is_hidden(key: str):
    redactor = Redactor()
    redactor.learn(secret(**{key: "notes-of-somebody"}))
    assert redactor.redact("as notes-of-somebody") == "as ***"


def test_what_is_public_is_so_in_every_form_and_in_a_line_of_its_own():
    redactor = Redactor()
    redactor.learn(secret(name="Notes-Of-Somebody"))
    redactor.allow("Notes-Of-Somebody")
    redactor.learn(secret(name="Notes-Of-Somebody", file="one\nNotes-Of-Somebody\nand a third"))
    text = f"Notes-Of-Somebody {encoded('Notes-Of-Somebody')}"
    assert redactor.redact(text) == text


def test_objects():
    item = secret(password="shown-nowhere")
    item["stringData"] = {"other": "nor-this"}
    item["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"stringData": {"a": "xyz"}})
    }
    release = {"kind": "Secret", "type": "helm.sh/release.v1", "metadata": {"name": "r"}}
    release["data"] = {"release": encoded(encoded(gzip.compress(b"values").hex()))}
    config = {"kind": "ConfigMap", "data": {"url": "http://u:shown-nowhere@h/"}, "n": 3}
    redactor = Redactor()
    for one in (item, release):
        redactor.learn(one)
    shown = redactor.redact_object({"kind": "List", "items": [item, release, config]})
    assert shown["items"][0]["data"] == {"password": "***"}
    assert shown["items"][0]["stringData"] == {"other": "***"}
    assert shown["items"][1]["data"] == {"release": "***"}
    assert shown["items"][2]["n"] == 3
    for hidden in ("shown-nowhere", "nor-this", "xyz", release["data"]["release"]):
        assert hidden not in json.dumps(shown)
    assert item["data"]["password"] == encoded("shown-nowhere")


def test_files_in_bounded_pieces_without_touching_other_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("conformance.common.redaction._CHUNK", 1000)
    monkeypatch.setattr("conformance.common.redaction._OVERLAP", 300)
    redactor = Redactor()
    redactor.learn_value("planted-secret")
    path = tmp_path / "log"
    for offset in range(0, 1400, 37):
        content = b"\xff\r\n" + b"x" * offset + b"planted-secret" + b"\x00\n" * 400
        content += b"?state=" + OPAQUE.encode() + b"\n" * offset
        path.write_bytes(content)
        redactor.redact_file(path)
        hidden = content.replace(b"planted-secret", b"***").replace(OPAQUE.encode(), b"***")
        assert path.read_bytes() == hidden
    assert [one.name for one in tmp_path.iterdir()] == ["log"]


def test_what_one_redactor_knows_another_takes_over() -> None:
    first, second = Redactor(), Redactor()
    first.learn_value("of-the-first")
    first.learn_value("a secret\non two lines")
    first.allow("public-word")
    second.learn_value("of-the-second")
    second.learn_value("public-word")
    second.take_over(first.known())
    text = "of-the-first of-the-second public-word a secret\n  on two lines"
    assert second.redact(text) == "*** *** public-word ***"
    assert "of-the-first" not in repr(first.known())
    first.learn_value("learnt-later")
    later = first.known().since(second.known())
    assert "learnt-later" in later.forms
    assert "of-the-first" not in later.forms
    second.take_over(later)
    assert second.redact("of-the-first and learnt-later") == "*** and ***"


def test_what_turns_out_to_be_public_later_is_hidden_in_no_form_by_who_takes_it_over() -> None:
    first, second = Redactor(), Redactor()
    first.learn_value("velero")
    second.take_over(told := first.known())
    first.allow("velero")
    second.take_over(first.known().since(told))
    assert second.learnt(1) == first.learnt(1) == []
    second.take_over(told)  # of a third one, to which it is secret
    assert second.learnt(1) == []
