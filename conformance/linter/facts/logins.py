"""An app's login: its clients, their secrets, and where its values use these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from conformance.linter.access import get, mapping, sequence, text, walk
from conformance.linter.app import AppPackage
from conformance.linter.facts.configuration import Lines, Setting, object_settings, values_settings
from conformance.linter.findings import Place
from conformance.linter.flux import platform
from conformance.linter.flux.variables import generated_value
from conformance.linter.manifest import Manifest

_CLIENT = "clientid"
_SECRET = "clientsecret"  # noqa: S105 - the end of a key
_SHORT = {"key": "secret", "identifier": "secret", "id": "secret"}
"""Keys of an id -> that of its secret, where they are called no more than that."""
_HOST_KEYS = frozenset({"host", "hosts", "hostname", "hostnames", "domain", "fqdn"})
PROVIDER_HOSTS = frozenset(
    {platform.placeholder("hydra_domain"), f"sso.{platform.DOMAIN}", f"hydra.{platform.DOMAIN}"}
)
"""Where Stackspin's provider is: ``${hydra_domain}``, which is ``sso.${domain}`` at first."""


def clients(app: AppPackage) -> list[Manifest]:
    """Return the app's OAuth2Clients."""
    return [one for one in app.objects("OAuth2Client") if one.group == "hydra.ory.sh"]


def for_people(client: Manifest) -> bool:
    """Return whether people log in through a client; others are for a program alone."""
    return strings(client, "grantTypes") != ["client_credentials"]


def strings(client: Manifest, field: str) -> list[str]:
    """Return the strings of a list in a client's spec."""
    return [one for one in sequence(client.get("spec", field)) if isinstance(one, str)]


def scopes(client: Manifest) -> list[str]:
    """Return the scopes that an app may ask for."""
    return [*text(client.get("spec", "scope")).split(), *strings(client, "scopeArray")]


def items(app: AppPackage, field: str) -> Iterator[tuple[Manifest, int, str]]:
    """Yield the strings of a list in each client's spec, with their positions."""
    for client in clients(app):
        for index, value in enumerate(sequence(client.get("spec", field))):
            if isinstance(value, str):
                yield client, index, value


def url_of(uri: str) -> SplitResult | None:
    """Return the parts of a URI; None if it is none."""
    try:
        parts = urlsplit(uri.strip())
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        return None
    return parts


def makers(app: AppPackage) -> list[Manifest]:
    """Return what makes Secrets: StringSecrets, and Secrets that are written."""
    return list(app.objects("StringSecret", "Secret"))


def maker_of(app: AppPackage, client: Manifest) -> Manifest | None:
    """Return what makes a client's Secret; None: Hydra Maester itself, or it is elsewhere."""
    name = text(client.get("spec", "secretName"))
    for one in makers(app):
        if one.name == name and same_namespace(one, client):
            return one
    return None


def same_namespace(one: Manifest, other: Manifest) -> bool:
    """Return whether two objects are in one namespace, as far as it is known."""
    return not one.namespace or not other.namespace or one.namespace == other.namespace


def keys_of(maker: Manifest) -> set[str]:
    """Return the keys of a Secret that is written or generated."""
    fields = [text(get(one, "fieldName")) for one in sequence(maker.get("spec", "fields"))]
    return {
        *mapping(maker.get("data")),
        *mapping(maker.get("stringData")),
        *mapping(maker.get("spec", "data")),
        *fields,
    }


@dataclass(frozen=True)
class Credentials:
    """What the app has to show Hydra."""

    client: Manifest
    source: str
    """As in ``Secret stackspin-notes-oauth-variables``."""
    id: str
    """What stands for it in values; empty if it is not known."""
    secret: str


def credentials(app: AppPackage, client: Manifest) -> Credentials:
    """Return a client's id and secret as they appear in values that use them."""
    source = f"Secret {text(client.get('spec', 'secretName'))}"
    found = {"client_id": "", "client_secret": generated_value(source, "client_secret")}
    maker = maker_of(app, client)
    if maker is not None:
        found["client_id"] = text(maker.get("spec", "data", "client_id"))
        found["client_id"] = found["client_id"] or text(maker.get("stringData", "client_id"))
    for kustomization in app.kustomizations:
        for one in kustomization.sources:
            if one.name == source:
                found |= {name: v.value for name, v in one.variables.items() if name in found}
    return Credentials(client, source, found["client_id"], found["client_secret"])


@dataclass(frozen=True)
class Pair:
    """The id and the secret of one client in an app's settings; either may be missing."""

    id: Setting | None
    secret: Setting | None

    @property
    def group(self) -> tuple[object, ...]:
        """What stands beside them."""
        one = self.id or self.secret
        return () if one is None else (one.place.file, one.place.object, one.group)


@lru_cache(maxsize=2)
def app_settings(app: AppPackage) -> list[Setting]:
    """Return what the app is told: values of its charts, its ConfigMaps and Secrets."""
    found = [setting for _, _, setting in values_settings(app)]
    chain = holders(app)
    for one in app.written:
        if one.kind in ("ConfigMap", "Secret") and (one.file, str(one)) not in chain:
            found += [*object_settings(one, "data"), *object_settings(one, "stringData")]
        elif one.kind in ("Deployment", "StatefulSet", "DaemonSet"):
            found += object_settings(one, "spec")
    return found


def holders(app: AppPackage) -> set[tuple[str, str]]:
    """Return the ConfigMaps and Secrets that hold values of a chart: their file and name."""
    sources = [one.manifest for release in app.releases for one in release.sources]
    return {(one.file, str(one)) for one in sources if one is not None}


def pairs(settings: list[Setting]) -> list[Pair]:
    """Return each id of a client with its secret, by their keys."""
    groups: dict[tuple[object, ...], dict[str, Setting]] = {}
    for one in settings:
        group = groups.setdefault((one.place.file, one.place.object, one.group), {})
        group.setdefault(plain(one.key), one)
    found = []
    for group in groups.values():
        for key, one in group.items():
            if key.endswith(_CLIENT):
                other = group.get(f"{key.removesuffix(_CLIENT)}{_SECRET}")
                found.append(Pair(one, other or (group.get("secret") if key == _CLIENT else None)))
            elif key.endswith(_SECRET) and f"{key.removesuffix(_SECRET)}{_CLIENT}" not in group:
                found.append(Pair(None, one))
            elif key in _SHORT and _SHORT[key] in group:
                found.append(Pair(one, group[_SHORT[key]]))
    return found


def plain(key: str) -> str:
    """Return a key small and without what joins its words."""
    return "".join(char for char in key.lower() if char.isalnum())


@dataclass(frozen=True)
class Mismatch:
    """A setting that does not fit the client."""

    setting: Setting
    message: str

    @property
    def place(self) -> Place:
        """Where ``Setting`` has it."""
        return self.setting.place


@lru_cache(maxsize=2)
def mismatches(app: AppPackage) -> list[Mismatch]:
    """Return where values have an id or a secret that Hydra does not know together."""
    lines = Lines(app)
    own = [credentials(app, one) for one in clients(app) if maker_of(app, one) is not None]
    others = {
        variable.value: source.name
        for kustomization in app.kustomizations
        for source in kustomization.sources
        for name, variable in source.variables.items()
        if name == "client_secret" and source.name not in {one.source for one in own}
    }
    names = {one.name for one in makers(app)}
    found = []
    for pair in pairs(app_settings(app)) if own else ():
        wrong = _mismatch(pair, own, others, names)
        if wrong and not lines.undefined(lines.located(wrong.setting)):
            found.append(wrong)
    return found


def _mismatch(
    pair: Pair, own: list[Credentials], others: dict[str, str], names: set[str]
) -> Mismatch | None:
    client_id = pair.id.value if pair.id else ""
    secret = pair.secret.value if pair.secret else ""
    for value, source in others.items():
        if pair.secret and value in secret:
            return Mismatch(
                pair.secret,
                f"the client secret is that of {source}, but the app's client has the one of "
                f"{own[0].source}: Hydra refuses the login",
            )
    for one in own:
        if pair.secret and one.secret in secret:
            if pair.id and client_id and one.id and client_id != one.id:
                return Mismatch(
                    pair.id,
                    f'the client id is "{client_id[:60]}", but {one.source}, whose secret is used, '
                    f'has the client id "{one.id[:60]}": Hydra refuses the login',
                )
            return None
    for one in own:
        if pair.secret and secret and one.id and client_id == one.id and secret not in names:
            return Mismatch(
                pair.secret,
                f"the client secret is not the one that {one.source} has for the client id "
                f'"{one.id[:60]}": Hydra refuses the login',
            )
    return None


def misses_variable(app: AppPackage) -> bool:
    """Return whether values use ``${client_secret}`` and nothing defines it."""
    used = {use.name for one in app.kustomizations for use in one.uses}
    defined = {
        name for one in app.kustomizations for source in one.sources for name in source.variables
    }
    return bool({"client_id", "client_secret"} & used - defined)


def is_used(app: AppPackage, one: Credentials) -> bool:
    """Return whether anything of the app uses a client's secret, or its id in its place."""
    name = one.source.removeprefix("Secret ")
    wanted = [value for value in (one.secret, name) if value]
    held = holders(app)
    objects = [
        manifest
        for installation in app.installations
        for manifest in installation.manifests
        if manifest.kind not in ("OAuth2Client", "StringSecret", "Kustomization")
        and not (manifest.kind == "Secret" and manifest.name == name)
        and (manifest.file, str(manifest)) not in held
    ]
    trees = [*(m.value for m in objects), *(release.values for release in app.releases)]
    if any(
        isinstance(value, str) and any(part in value for part in wanted)
        for tree in trees
        for _, value in walk(tree)
    ):
        return True
    found = pairs(app_settings(app))
    return any(pair.id is not None and one.id and pair.id.value == one.id for pair in found)


def own_hosts(app: AppPackage) -> set[str]:
    """Return the host names of an app: its domain variables, and the hosts of its ingresses."""
    found = {
        variable.value
        for kustomization in app.kustomizations
        for source in kustomization.sources
        for name, variable in source.variables.items()
        if "domain" in name or "host" in name
    }
    for installation in app.installations:
        for ingress in installation.objects("Ingress"):
            for entry in sequence(ingress.get("spec", "rules")):
                found.add(text(get(entry, "host")))
            for entry in sequence(ingress.get("spec", "tls")):
                found.update(one for one in sequence(get(entry, "hosts")) if isinstance(one, str))
    for release in app.releases:
        found |= _hosts_in(release.values)
    return {one.lower() for one in found if "." in one and one != platform.DOMAIN}


def _hosts_in(values: object) -> set[str]:
    """Return the hosts that values give an ingress, or the app as a whole."""
    found = set()
    for path, value in walk(values):
        keys = [plain(key) for key in path if isinstance(key, str)]
        if not isinstance(value, str) or not keys or keys[-1] not in _HOST_KEYS:
            continue
        if len(keys) == 1 or any("ingress" in key for key in keys):
            found.add(value)
    return found
