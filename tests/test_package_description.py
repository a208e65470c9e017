"""conformance.yaml: every mistake is reported with its line and what to do."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from conformance.apps.package.description import (
    description_of,
    read_description,
)
from conformance.apps.package.given import read_apps
from conformance.apps.package.model.description import Description
from conformance.apps.package.model.steps import CommandStep, RequestStep
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.app import AppPackage
from conformance.linter.limits import Limits
from conformance.linter.reading.description import DescriptionError, descriptions, located

WHOLE = """\
app: miniflux
host: miniflux.${domain}
serves:
  path: /healthcheck
  contains: OK
images:
  - image: docker.io/stackspin/miniflux:2.3.5
    context: image
  - image: docker.io/stackspin/other:1
    archive: other.tar
charts:
  - chart: miniflux
    path: charts/miniflux
values:
  hostname: ${host}
  script: echo $${HOME}
secrets:
  - name: miniflux-admin
    data: {password: "${generated}"}
data:
  seed:
    - request: POST /v1/feeds
      user: admin
      password: ${secret:miniflux-admin/password}
      json: {feed_url: "https://${host}/feed-${seed}"}
      status: 201
      save: {feed: feed_id}
    - request: POST /upload
      form: {title: a}
      file: {picture: [a.txt, some text]}
    - run: [miniflux, -info]
      container: miniflux
      save: {token: .}
  verify:
    - request: GET /v1/feeds/${feed}
      headers: {X-Token: "${token}"}
      contains: feed-${seed}
login:
  begin: /oauth2/oidc/redirect
  user: {path: /settings, contains: "${email}"}
  logout: {click: "#logout"}
skip:
  - check: app_runs.second_instance
    reason: upstream issue 12
    until: UNTIL
""".replace("UNTIL", str(date.today() + timedelta(days=60)))


def written(folder: Path, text: str) -> Path:
    path = folder / "conformance.yaml"
    path.write_text(text)
    return path


def mistakes(folder: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(DescriptionError) as caught:
        read_description(written(folder, text))
    assert {one.place.file for one in caught.value.problems} == {str(folder / "conformance.yaml")}
    return [(one.place.line, one.message, one.fix) for one in caught.value.problems]


def test_everything_that_can_be_described_is_read(tmp_path: Path) -> None:
    found = read_description(written(tmp_path, WHOLE))
    assert (found.app, found.host) == ("miniflux", "miniflux.${domain}")
    assert found.serves is not None
    assert (found.serves.path, found.serves.status) == ("/healthcheck", 200)
    assert found.data is not None
    request, upload, command = found.data.seed
    assert isinstance(request, RequestStep)
    assert request.json_ == {"feed_url": "https://${host}/feed-${seed}"}
    assert isinstance(upload, RequestStep)
    assert upload.file == {"picture": ("a.txt", "some text")}
    assert isinstance(command, CommandStep)
    assert command.text == "run miniflux -info"
    assert found.skip[0].until > date.today()


def test_an_empty_file_describes_nothing(tmp_path: Path) -> None:
    assert read_description(written(tmp_path, "# nothing yet\n")) == Description()


def test_a_description_cannot_be_changed(tmp_path: Path) -> None:
    found = read_description(written(tmp_path, "app: a\n"))
    with pytest.raises(ValueError, match="frozen"):
        found.app = "b"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "line", "message", "fix"),
    [
        ("app: a\nhots: b", 2, 'there is no key "hots"', "Did you mean host?"),
        ("serves: {path: /, stauts: 200}", 1, 'no key "serves.stauts"', "Did you mean status?"),
        ("without:\n  xyz: a", 2, 'no key "without.xyz"', "There are: data, login."),
        (
            "data:\n  seed:\n  - request: GET /\n    jsno: {}\n  verify: [{run: [a]}]",
            4,
            'no key "data.seed[0].jsno"',
            "Did you mean json?",
        ),
        ("app: 5", 1, "app must be a text, and is 5", "Put it in quotes."),
        ("app: true", 1, "app must be a text, and is true", "Put it in quotes."),
        ("app: [5]", 1, 'app must be a text, and is "[5]"', "Correct the value."),
        ('serves: {path: /, status: "200"}', 1, "serves.status must be a whole number", "Correct"),
        ("login: yes", 1, "login must be a mapping of keys and values", "Correct"),
        ("images: {}", 1, "images must be a list", "Correct"),
        ("- app: a", 1, "the file must be a mapping", "Correct"),
        ("login: {begin: /, user: {path: /}}", 1, "login.logout is missing", "Add it"),
        ("data:\n  seed: []\n  verify: [{run: [a]}]", 2, "data.seed is empty", "Fill it in"),
        ('without: {data: ""}', 1, "without.data is empty", "Fill it in"),
        ("host: ${seed}.a.b", 1, '"${seed}.a.b" is not a host name', "${domain}"),
        ("host: https://a.b", 1, '"https://a.b" is not a host name', "Write the name alone"),
        ("serves: {path: a}", 1, '"a" is not a path', "slash"),
        ("data:\n  seed:\n  - {}\n  verify: [{run: [a]}]", 3, "either a request or a run", "GET"),
        (
            "data:\n  seed:\n  - request: FETCH /a\n  verify: [{run: [a]}]",
            3,
            '"FETCH /a" is not a request',
            "GET, HEAD",
        ),
        (
            "data:\n  seed: [{run: [a]}]\n  verify:\n  - {request: GET /, body: a, json: 1}",
            4,
            "GET / has more than one body",
            "Use json, body, or form and file.",
        ),
        (
            "data:\n  seed: [{run: [a]}]\n  verify:\n  - {request: GET /, user: a}",
            4,
            "a user or a password, but not both",
            "Give both",
        ),
        (
            "data:\n  seed: [{run: [a], save: {host: .}}]\n  verify: [{run: [a]}]",
            2,
            "${host} stands for something already",
            "another name",
        ),
        (
            "data:\n  seed: [{run: [a], save: {A-b: .}}]\n  verify: [{run: [a]}]",
            2,
            "data.seed[0].save.A-b does not have the form",
            "table of keys",
        ),
        ("images:\n- image: a\n  context: b\n  archive: c", 2, "both context and archive", "one"),
        ("images:\n- image: a", 2, "neither context nor archive", "one of the two"),
        ("images:\n- {image: a, context: /etc}", 2, '"/etc" is not a path inside', "relative"),
        ("login:\n  begin: /\n  user: {path: /}\n  logout: {}", 4, "a path or a click", "one"),
        (
            "login:\n  redirect_uri: a?b\n  begin: /\n  user: {path: /}\n  logout: {path: /}",
            2,
            '"a?b" is not a URI at the host',
            "begin with a slash",
        ),
        (
            "skip:\n- {check: a.b, reason: c, until: 2020-01-01}",
            2,
            "the skip of a.b ended on 2020-01-01",
            "choose a new date",
        ),
        (
            f"skip:\n- {{check: a.b, reason: c, until: {date.today().year + 3}-12-31}}",
            2,
            "the skip of a.b would be valid until",
            "two years ahead",
        ),
        ("skip:\n- {check: a.b, reason: c, until: 31.1.2027}", 2, "is not a date", "2027-01-31"),
        ("skip:\n- {check: a.b, reason: c, until: 2027-02-30}", 2, "skip[0].until", "table"),
        ("skip:\n- {check: a, reason: c, until: 2027-01-31}", 2, "does not have the form", "table"),
        (
            "login:\n  begin: /\n  user: {path: /}\n  logout: {path: /}\nwithout: {login: open}",
            1,
            "login is described, and without says that there is none",
            "Remove login",
        ),
        (
            "images:\n- {image: a, context: b}\n- {image: a, archive: c}",
            1,
            "image a is there twice",
            "Remove one",
        ),
        ("app: [", 1, "not valid YAML", ""),
        ("app: a\napp: b", 2, "app", ""),
        ("app: a\n---\napp: b", 3, "more than one document", "one app in a file"),
    ],
)
def test_a_mistake_is_reported_where_it_is(
    text: str, line: int, message: str, fix: str, tmp_path: Path
) -> None:
    [found] = mistakes(tmp_path, text)
    assert found[0] == line
    assert message in found[1]
    assert fix in found[2]


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "skips: []\nhost: a b\nserves: {}\n")
    assert [line for line, _, _ in found] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("serves: {path: /, contains: '${doman}'}", "uses ${doman}", "Did you mean ${domain}?"),
        ("values: {a: ['${HOME}']}", "values.a[0] uses ${HOME}", "write $${HOME}"),
        (
            "data:\n  seed: [{request: 'GET /${later}'}]\n  verify: [{run: [a], save: {later: .}}]",
            "data.seed[0].request uses ${later}",
            "${secret:NAME/KEY}",
        ),
        (
            "data:\n  seed: [{run: ['${secret:A_b}']}]\n  verify: [{run: [a]}]",
            "data.seed[0].run[0] uses ${secret:A_b}",
            "${secret:NAME/KEY}",
        ),
    ],
)
def test_a_variable_that_nothing_stands_for_is_found(
    text: str, message: str, hint: str, tmp_path: Path
) -> None:
    [(_, found, fix)] = mistakes(tmp_path, text)
    assert message in found
    assert hint in fix


def test_what_is_written_cannot_leave_its_line(tmp_path: Path) -> None:
    text = """\
"a\\n\\e[31m": 1
host: "b\\nc"
values: {a: "${d\\te}"}
"""
    found = mistakes(tmp_path, text)
    assert [line for line, _, _ in found] == [1, 2]
    found += mistakes(tmp_path, text.splitlines()[2])
    assert all(part.isprintable() for _, message, fix in found for part in (message, fix))
    assert "a\\x0a\\x1b[31m" in found[0][1]


def test_of_many_mistakes_the_first_are_reported(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, "\n".join(f"key{n}: a" for n in range(5000)))) == 20
    assert len(mistakes(tmp_path, "values: [" + "'${a}'," * 5000 + "]\n")) == 1
    assert len(mistakes(tmp_path, "values: {a: [" + "'${a}'," * 5000 + "]}\n")) == 20


def test_the_error_has_every_line_for_people(tmp_path: Path) -> None:
    path = written(tmp_path, "hots: a\napp: 5\n")
    with pytest.raises(DescriptionError) as caught:
        read_description(path)
    assert f'{path}, line 1: there is no key "hots". Did you mean host?' in str(caught.value)
    assert f"{path}, line 2: app must be a text" in str(caught.value)
    assert "To do: docs/app-packages.md" in str(caught.value)


def test_what_looks_like_a_secret_is_not_repeated(tmp_path: Path) -> None:
    step = "{request: GET /, user: a, password: 123456}"
    [(_, message, _)] = mistakes(tmp_path, f"data: {{seed: [{step}], verify: [{{run: [a]}}]}}")
    assert message == "data.seed[0].password must be a text, and is ***"


def test_a_file_that_costs_too_much_is_refused(tmp_path: Path) -> None:
    deep = "a: " + "[" * 200 + "]" * 200
    assert "nested" in mistakes(tmp_path, deep)[0][1]
    path = written(tmp_path, "#" * 1000)
    with pytest.raises(DescriptionError, match="more than 999 bytes"):
        read_description(path, Limits(file_bytes=999))


def test_only_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "there.yaml").write_text("app: a")
    (tmp_path / "conformance.yaml").symlink_to("there.yaml")
    with pytest.raises(DescriptionError, match="cannot be read"):
        read_description(tmp_path / "conformance.yaml")
    with pytest.raises(DescriptionError, match="cannot be read"):
        read_description(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\0\xff")
    with pytest.raises(DescriptionError, match="not UTF-8 text"):
        read_description(binary)


def test_the_nearest_description_is_found_first(tmp_path: Path) -> None:
    folder = tmp_path / "apps" / "notes"
    folder.mkdir(parents=True)
    assert [*descriptions(tmp_path, ["apps/notes"])] == []
    root = written(tmp_path, "app: notes\n")
    assert [*descriptions(tmp_path, ["apps/notes"])] == [root]
    own = written(folder, "app: notes\n")
    assert [*descriptions(tmp_path, ["apps/notes"])] == [own, root]
    (folder / "all.yaml").write_text("")
    assert next(descriptions(tmp_path, ["apps/notes/all.yaml"])) == own


def test_a_description_of_another_app_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    path = written(tmp_path, "app: notes\n")
    notes, wiki = AppPackage("notes", "notes", ""), AppPackage("wiki", ".", "")
    assert description_of(tmp_path, notes) == (path, Description(app="notes"))
    assert description_of(tmp_path, wiki) is None
    assert description_of(tmp_path, wiki, ["notes", "wiki"]) is None


def test_a_description_of_no_app_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path, "# mine\napp: nots\n")
    with pytest.raises(DescriptionError) as caught:
        description_of(tmp_path, AppPackage("notes", ".", ""), ["notes", "wiki"])
    assert str(caught.value).startswith(
        f'{path}, line 2: it describes the app "nots", which is not in the package.'
        " There are: notes, wiki."
    )


def a_package_in(checkout: Path) -> tuple[Path, Path]:
    """Make a package with something beside it; return it, and its description."""
    package, outside = checkout / "package", checkout / "outside"
    for folder in (package / "app", package / "charts", outside):
        folder.mkdir(parents=True)
    (package / "app" / "link").symlink_to(outside)
    (package / "app" / "loop").symlink_to("loop")
    text = "images:\n- {image: a, context: ../charts}\n- {image: b, context: ../../outside}\n"
    return package, written(package / "app", text)


def test_only_files_of_the_package_are_named(tmp_path: Path) -> None:
    package, path = a_package_in(tmp_path)
    assert located("../charts", path, package) == package / "charts"
    for name, problem in (
        ("../../outside", 'line 3: "../../outside" is outside of the package'),
        ("link", "is outside of the package"),
        ("nowhere", "does not exist"),
        ("loop", '"loop" is not a path'),
        ("a\0b", "is not a path"),
    ):
        with pytest.raises(DescriptionError, match=problem):
            located(name, path, package)


@pytest.mark.parametrize("worktree", [True, False])
def test_files_of_the_checkout_around_the_package_are_named(tmp_path: Path, worktree: bool) -> None:
    checkout = tmp_path / "checkout"
    package, path = a_package_in(checkout)
    if worktree:
        (checkout / ".git").write_text("gitdir: elsewhere")
    else:
        (checkout / ".git").mkdir()
    (package / "app" / "away").symlink_to(tmp_path)
    assert located("../../outside", path, package) == checkout / "outside"
    assert located("link", path, package) == checkout / "outside"
    for name, problem in (
        ("../../..", "is outside of the package, and of the Git checkout that this is in"),
        ("away", "is outside of the package"),
        ("../../.git", "is in Git's own folder"),
        ("../../nowhere", "does not exist"),
    ):
        with pytest.raises(DescriptionError, match=problem):
            located(name, path, package)


@pytest.mark.parametrize("app", ["notes", "wordpress"])
def test_the_charts_of_the_reference_apps_are_packages_as_they_are(app: str) -> None:
    [given] = read_apps(PROJECT_ROOT / "charts" / app)
    assert given.description_file
    [image] = given.description.images
    assert image.context
    found = located(image.context, given.description_file, given.root)
    assert found == PROJECT_ROOT / "fixtures" / "apps" / app
