"""The steps of a description are run against the running app: its data is put in and looked for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from conformance.apps.package import variables
from conformance.apps.package.model.steps import CommandStep, RequestStep
from conformance.common.redaction import Redactor
from conformance.common.timeouts import Timeouts
from conformance.kube.errors import ApiError, NotFound

_SHOWN = 500
"""Characters of an answer that a failure shows."""
_MOST_BYTES = 8 * 1024 * 1024
"""Bytes of an answer that are read: the app may send without end."""
_CHUNK = 64 * 1024

Value = str | int | float | bool
"""What ``save`` keeps."""


class StepFailed(AssertionError):
    """A step did not do what the description promises of it."""

    status = 0
    """Of the answer that was not the promised one; 0: the failure is about something else."""


@dataclass(frozen=True)
class AppAccess:
    """What the steps need of the app: how to reach it, and what stands for the variables."""

    session: requests.Session
    """Resolves the app's host, and trusts its certificate."""
    domain: str
    host: str
    run: Callable[[str | None, Sequence[str], bytes], bytes]
    """Runs a command in a container (None: the first one of the pod behind the Ingress) and returns
    its output. Raises AssertionError where it fails, ApiError where it could not be started."""
    secret: Callable[[str, str], str]
    """Returns the value of a key of a Secret in the app's namespace. Raises LookupError or
    NotFound where there is none."""
    timeouts: Timeouts = field(default_factory=Timeouts)


def run_steps(
    name: str,
    steps: Sequence[RequestStep | CommandStep],
    app: AppAccess,
    seed: str,
    saved: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """Run the steps called ``name`` (seed, verify) in their order; return everything saved.

    ``seed`` is the random word that ``${seed}`` stands for, ``saved`` what earlier steps returned.
    The steps begin and end without cookies. Raises StepFailed with the number of the step, its text
    as it is written, what was expected and what was seen.
    """
    runner = _Runner(app, seed, dict(saved or {}))
    app.session.cookies.clear()
    try:
        for number, step in enumerate(steps, 1):
            runner.step = f"{name} step {number} ({step.text})"
            runner.do(step)
    finally:
        app.session.cookies.clear()
    return runner.saved


class _Runner:
    """Runs one step after the other."""

    def __init__(self, app: AppAccess, seed: str, saved: dict[str, Value]) -> None:
        self._app = app
        self._given: dict[str, Value] = {"domain": app.domain, "host": app.host, "seed": seed}
        self._redactor = Redactor()
        self.saved = saved
        self.step = ""

    def do(self, step: RequestStep | CommandStep) -> None:
        output = self._ask(step) if isinstance(step, RequestStep) else self._run(step)
        wanted = self._filled(step.contains)
        if wanted not in output:
            raise self._failure(f'the text "{wanted}" is expected', f"there is: {output}")
        for name, path in step.save.items():
            self.saved[name] = self._found(output, path)

    def _ask(self, step: RequestStep) -> str:
        """Send a request; return the text of the answer, which has the promised status."""
        method, _, path = step.request.partition(" ")
        user = (self._filled(step.user or ""), self._filled(step.password or ""))
        redirected = step.status is None or not 300 <= step.status < 400
        expected = f"status {step.status or '200 to 299'} is expected"
        try:
            with self._app.session.request(
                method,
                f"https://{self._app.host}{self._filled(path)}",
                auth=user if step.user is not None else None,
                timeout=self._app.timeouts.http,
                allow_redirects=redirected,
                stream=True,
                **self._body(step),
            ) as answer:
                text = self._text(answer)
        except (requests.RequestException, ValueError) as error:
            # ValueError: a redirect to a host that is not the platform's.
            raise self._failure(expected, f"there was no answer: {error}") from None
        promised = range(200, 300) if step.status is None else (step.status,)
        if answer.status_code not in promised:
            failure = self._failure(expected, f"the answer has status {answer.status_code}: {text}")
            failure.status = answer.status_code
            raise failure
        return text

    def _body(self, step: RequestStep) -> dict[str, Any]:
        """Return headers and body as requests takes them."""
        headers = {key: self._filled(value) for key, value in step.headers.items()}
        body: dict[str, Any] = {"headers": headers}
        if step.json_ is not None:
            body["json"] = self._typed(step.json_)
        if step.body is not None:
            body["data"] = self._filled(step.body).encode()
        if step.form is not None:
            body["data"] = {key: self._filled(value) for key, value in step.form.items()}
        if step.file is not None:
            body["files"] = {
                key: (self._filled(name), self._filled(content).encode())
                for key, (name, content) in step.file.items()
            }
        return body

    def _text(self, answer: requests.Response) -> str:
        """Return the text of an answer, which may be large, slow or without end."""
        end = time.monotonic() + self._app.timeouts.transfer
        content = bytearray()
        for chunk in answer.iter_content(_CHUNK):
            content += chunk
            if len(content) > _MOST_BYTES:
                seen = f"it has more than {_MOST_BYTES} bytes"
                raise self._failure("a shorter answer is expected", seen)
            if time.monotonic() > end:
                seen = f"it did not end within {self._app.timeouts.transfer:g} s"
                raise self._failure("the end of the answer is expected", seen)
        return content.decode(errors="replace")

    def _run(self, step: CommandStep) -> str:
        """Run a command; return its output, stripped."""
        argv = [self._filled(part) for part in step.run]
        stdin = self._filled(step.stdin).encode()
        try:
            output = self._app.run(step.container, argv, stdin)
        except (AssertionError, ApiError) as error:
            raise self._failure("the command is expected to succeed", str(error)) from None
        return output.decode(errors="replace").strip()

    def _found(self, output: str, path: str) -> Value:
        """Return what is at a dotted path of a JSON text; ``.`` is the whole text."""
        if path == ".":
            return output
        try:
            value = json.loads(output)
        except (ValueError, RecursionError):
            raise self._failure("JSON is expected, to save a part of it", output) from None
        for key in path.split("."):
            if isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            elif isinstance(value, Mapping) and key in value:
                value = value[key]
            else:
                raise self._failure(f"a value at {path} is expected, to save it", output)
        if not isinstance(value, Value):
            raise self._failure(f"a text or a number at {path} is expected, to save it", output)
        return value

    def _value_of(self, name: str) -> Value:
        """Return what a variable stands for; a secret's value is hidden from now on."""
        if place := variables.secret_in(name):
            try:
                value = self._app.secret(*place)
            except (LookupError, NotFound):
                expected = f"Secret {place[0]} with the key {place[1]} is expected"
                raise self._failure(expected, "it is not in the app's namespace") from None
            self._redactor.learn_value(value)
            return value
        known = {**self.saved, **self._given}
        if name not in known:
            raise self._failure(f"a value for ${{{name}}} is expected", "no step has saved it")
        return known[name]

    def _filled(self, text: str) -> str:
        return variables.filled(text, self._value_of)

    def _typed(self, value: Any) -> Any:  # noqa: ANN401 - what JSON holds
        """Fill in the texts of JSON; one that is a variable alone has the type of its value."""
        if isinstance(value, str):
            name = variables.only_name_in(value)
            return self._filled(value) if name is None else self._value_of(name)
        if isinstance(value, Mapping):
            return {key: self._typed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._typed(item) for item in value]
        return value

    def _failure(self, expected: str, seen: str) -> StepFailed:
        # Hidden before it is cut: half of a secret is one, too.
        shown = "".join(_printable(self._redactor.redact(seen.strip())))
        cut = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
        return StepFailed(f"{self.step}: {self._redactor.redact(expected)}; {cut or 'nothing'}")


def _printable(text: str) -> Iterator[str]:
    """Yield the text without what would do something to a terminal."""
    for one in text:
        yield one if one.isprintable() or one == "\n" else repr(one)[1:-1]
