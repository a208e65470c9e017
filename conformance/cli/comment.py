"""``stackspin-conformance comment``: a result as the one comment of a merge or pull request."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

from conformance.common.arguments import Parser
from conformance.common.errors import HarnessError

TOKEN = "STACKSPIN_COMMENT_TOKEN"  # noqa: S105 - the variable's name
_A_PAGE = 100
"""What both forges give at most."""
_SECONDS = 30.0
"""For one answer."""
_MAY_NOT = {401, 403, 404}
"""Statuses for a token that may not do what it is used for."""
_COMMAND = re.compile(r"^/", re.MULTILINE)
"""Begins a line that GitLab carries out for the token's owner, such as /merge; after a space it is
text.

https://docs.gitlab.com/user/project/quick_actions/
"""


@dataclass(frozen=True)
class Discussion:
    """Where the comments of one merge or pull request are, by the forge's API.

    https://docs.github.com/en/rest/issues/comments, https://docs.gitlab.com/api/notes/.
    """

    comments: str
    """Lists them, and takes new ones."""
    comment: str
    """The address of one, before its id."""
    method: str
    """By which one is replaced."""
    headers: Mapping[str, str]

    def listed(self) -> Iterator[Mapping[str, Any]]:
        """Yield all comments, the oldest first. Raises HTTPError, URLError."""
        page = 1
        while found := self._ask("GET", f"{self.comments}?sort=asc&per_page={_A_PAGE}&page={page}"):
            yield from found
            page += 1

    def add(self, text: str) -> None:
        """Write a new comment. Raises HTTPError, URLError."""
        self._ask("POST", self.comments, {"body": text})

    def replace(self, number: int, text: str) -> bool:
        """Replace a comment; return False if the token may not. Raises HTTPError, URLError."""
        try:
            self._ask(self.method, f"{self.comment}/{number}", {"body": text})
        except urllib.error.HTTPError as error:
            if error.code in _MAY_NOT:
                return False
            raise
        return True

    def _ask(self, method: str, address: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        request = urllib.request.Request(  # noqa: S310 - the forge's own address
            address,
            method=method,
            headers={"Content-Type": "application/json", **self.headers},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return json.load(answer)


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    parser = Parser(
        "stackspin-conformance comment",
        description="Write a file as a comment of the merge or pull request that a CI job of "
        "GitLab or GitHub is about.\nA comment of the same name is replaced. If the job is about "
        f"no request, nothing is written.\nThe token is in the variable {TOKEN}.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the comment, in Markdown")
    parser.add_argument(
        "--name",
        default="report",
        help="the comment's name, hidden in it: a request may have several (default: report)",
    )
    given = parser.parse_args(arguments)
    try:
        text = given.file.read_text(encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{given.file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{given.file} cannot be read: it is not UTF-8") from error
    discussion = find_discussion(os.environ)
    if discussion is None:
        print("No comment: this job is about no merge or pull request.")
        return 0
    try:
        print(publish(discussion, given.name, text))
    except (OSError, HTTPException, ValueError) as error:  # URLError is an OSError
        refused = isinstance(error, urllib.error.HTTPError) and error.code in _MAY_NOT
        raise HarnessError(
            f"no comment: {discussion.comments}: {error}",
            f"{TOKEN} has to be a token that may write comments; that of a fork's request may not"
            if refused
            else "run the job again; if that does not help, see whether the text is too long",
        ) from error
    return 0


def publish(discussion: Discussion, name: str, text: str) -> str:
    """Have ``text`` be the request's only comment of this name; return what was done.

    A comment of somebody else that has the name in it stays as it is, if the forge protects it.
    No line of the text is a command to the forge. Raises HTTPError, URLError.
    """
    # Quoted, a name cannot end the remark that hides it.
    marker = f"<!-- stackspin-conformance: {quote(name, safe='/ ')} -->"
    body = _COMMAND.sub(" /", f"{marker}\n{text}")
    for comment in discussion.listed():
        own = str(comment["body"]).startswith(marker)
        if own and discussion.replace(int(comment["id"]), body):
            return "The comment is up to date."
    discussion.add(body)
    return "The comment is written."


def find_discussion(variables: Mapping[str, str]) -> Discussion | None:
    """Return the discussion that a job is about, by the variables that its forge sets, if any.

    Raises HarnessError: there is one, and no token, or none that can be sent.
    """
    found = _of_gitlab(variables) or _of_github(variables)
    token = variables.get(TOKEN, "")
    if found and not token:
        raise HarnessError(f"{TOKEN} is not set", "give it a token that may write comments")
    if found and re.search(r"[^!-~]", token):  # http.client would show it in its error
        raise HarnessError(
            f"{TOKEN} has a space, a line end or a letter in it that no token has",
            "set the variable to the token alone",
        )
    return found


def _of_gitlab(variables: Mapping[str, str]) -> Discussion | None:
    number = variables.get("CI_MERGE_REQUEST_IID")
    if not number:
        return None
    project = f"{variables['CI_API_V4_URL']}/projects/{variables['CI_PROJECT_ID']}"
    notes = f"{project}/merge_requests/{number}/notes"
    return Discussion(notes, notes, "PUT", {"PRIVATE-TOKEN": variables.get(TOKEN, "")})


def _of_github(variables: Mapping[str, str]) -> Discussion | None:
    event = variables.get("GITHUB_EVENT_PATH")
    if not event:
        return None
    request = json.loads(Path(event).read_text(encoding="utf-8")).get("pull_request")
    if not request:
        return None
    issues = f"{variables['GITHUB_API_URL']}/repos/{variables['GITHUB_REPOSITORY']}/issues"
    headers = {
        "Authorization": f"Bearer {variables.get(TOKEN, '')}",
        "Accept": "application/vnd.github+json",
    }
    return Discussion(
        f"{issues}/{request['number']}/comments", f"{issues}/comments", "PATCH", headers
    )
