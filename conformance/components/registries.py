"""The registries that parts are pulled from: which answer, and what they have."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass

from conformance.common.errors import HarnessError
from conformance.common.timeouts import Timeouts
from conformance.components import upstream
from conformance.components.waiting import BuildingFuture, in_thread
from conformance.oci.login import DOCKER_HUB, Login, credentials
from conformance.oci.reference import Reference, digest_of
from conformance.oci.registry import Registry, RegistryTroubleError

OWN = "own"
"""Stands in ``--mirror`` for the registry of what no upstream publishes; there is no public one."""
PROBE_SECONDS = 3.0
"""To find out which registries answer; they are asked side by side, once a run."""
_LOOPBACK = ("localhost", "127.", "[::1]")


@dataclass(frozen=True)
class Host:
    """Where a registry is asked for: ``host:port``, and what stands before its repositories."""

    address: str
    prefix: str = ""
    secure: bool = True

    @classmethod
    def parse(cls, text: str) -> Host:
        """Read ``HOST[:PORT][/PREFIX]``: https, but for this machine and after ``http://``."""
        plain = text.startswith("http://")
        address, _, prefix = text.removeprefix("http://").removeprefix("https://").partition("/")
        secure = not plain and not address.startswith(_LOOPBACK)
        return cls(address, prefix.strip("/"), secure)

    def client(self, login: tuple[str, str] | None) -> Registry:
        """Return a client that logs in, where that is asked for, with this name and password."""
        timeouts = Timeouts()
        auth = Login(self.address, login, timeouts.http)
        return Registry(
            self.address, secure=self.secure, prefix=self.prefix, auth=auth, timeouts=timeouts
        )

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}".rstrip("/")


def mirrors(given: Sequence[str]) -> dict[str, Host]:
    """Read ``--mirror``: registry -> where it is asked for instead. HarnessError."""
    registries = sorted({one.partition("/")[0] for one in upstream.references()})
    result = {}
    for text in given:
        registry, equals, host = text.partition("=")
        if not equals or not Host.parse(host).address:
            raise HarnessError(
                f"--mirror={text} does not say what is where",
                "write --mirror=REGISTRY=HOST[/PREFIX], such as docker.io=mirror.example.org/hub",
            )
        if registry not in (*registries, OWN):
            near = difflib.get_close_matches(registry, [*registries, OWN], n=1)
            raise HarnessError(
                f"--mirror={text}: nothing is pulled from {registry!r}",
                f"write {near[0] if near else ' or '.join((*registries, OWN))}",
            )
        result[registry] = Host.parse(host)
    return result


class Registries:
    """All registries of one run. Each is asked once whether it answers, when it is first needed."""

    def __init__(self, given: Sequence[str], say: Callable[[str], None]) -> None:
        self._mirrors = mirrors(given)
        self._say = say
        self._answers: dict[str, bool] = {}
        self._given: dict[str, bool] = {}
        self._logins: dict[str, tuple[str, str] | None] = {}
        self._asking = threading.RLock()

    @property
    def has_own(self) -> bool:
        """Whether there is a mirror of what no upstream publishes."""
        return OWN in self._mirrors

    @property
    def some_answered(self) -> bool:
        """Whether any registry has answered so far."""
        return any(self._answers.values())

    def gives(self, image: Reference) -> bool:
        """Return whether the registry of ``image``, or its mirror, has it now."""
        name = f"{image.repository}:{image.version}"
        with self._asking:
            if name not in self._given:
                client, wanted = self.locate(image)
                there = self._answering(image.repository.partition("/")[0])
                self._given[name] = there and self._has(client, wanted)
            return self._given[name]

    def _has(self, client: Registry, wanted: Reference) -> bool:
        try:
            return client.exists(f"{wanted.repository}{_version(wanted)}")
        except RegistryTroubleError as error:
            self._say(f"{wanted.repository}: {error.message}")
            return False
        except HarnessError:  # it may not be seen without a login, which some say of all unknown
            return False

    def digest(self, image: Reference) -> str | None:
        """Return the digest that ``image`` stands for, None where no registry gives it."""
        if not self.gives(image):
            return None
        client, wanted = self.locate(image)
        return digest_of(client.manifest(wanted)[0])

    def locate(self, image: Reference) -> tuple[Registry, Reference]:
        """Return the client of an image's registry or mirror, and the image's name there."""
        registry, _, repository = image.repository.partition("/")
        return self._client(registry), Reference(repository, image.tag, image.digest)

    def _client(self, registry: str) -> Registry:
        host = self._host(registry)
        with self._asking:
            if host.address not in self._logins:
                try:
                    self._logins[host.address] = credentials(host.address)
                except HarnessError as error:  # what is public can be pulled all the same
                    self._say(f"no login at {host.address}: {error.message}")
                    self._logins[host.address] = None
            return host.client(self._logins[host.address])

    def _host(self, registry: str) -> Host:
        default = Host(DOCKER_HUB if registry == "docker.io" else registry)
        return self._mirrors.get(registry, default)

    def _answering(self, registry: str) -> bool:
        if registry not in self._answers:
            names = {one.partition("/")[0] for one in upstream.references()} | set(self._mirrors)
            asked = {one: self._probe(one) for one in sorted(names - set(self._answers))}
            wait_for(asked.values(), PROBE_SECONDS)
            self._answers |= {
                one: future.done() and future.result() for one, future in asked.items()
            }
            self._say(self._heard())
        return self._answers[registry]

    def _probe(self, registry: str) -> Future[bool]:
        client = self._client(registry)
        probe: BuildingFuture[bool] = in_thread(f"probe {registry}", client.answers)
        return probe

    def _heard(self) -> str:
        names = {
            name: f"{name} (at {self._mirrors[name]})" if name in self._mirrors else name
            for name in self._answers
        }
        there = [names[one] for one, answers in self._answers.items() if answers]
        away = [names[one] for one, answers in self._answers.items() if not answers]
        if not there:
            return f"no registry answers ({', '.join(away)})"
        without = f"; not {', '.join(away)}" if away else ""
        return f"registries that answer: {', '.join(there)}{without}"


def _version(wanted: Reference) -> str:
    return f"@{wanted.digest}" if wanted.digest else f":{wanted.tag}"
