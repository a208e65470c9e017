"""Debian packages of the host, and parts made of Debian packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.components.parts import DebianFiles, DebianRootfs
from conformance.components.work import Work

SOURCE_DATE_EPOCH = "1"
"""Seconds since 1970 that files made by us carry, so that the same input gives the same bytes."""
_SECURITY = ("debian-security", "-security")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def system_environment(**more: str) -> dict[str, str]:
    """Return a minimal environment: system path, proxies; nothing else of this machine."""
    kept = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    proxies = {name: os.environ[name] for name in kept if name in os.environ}
    return {"PATH": _SYSTEM_PATH, "LC_ALL": "C.UTF-8", "HOME": "/nonexistent", **proxies, **more}


def missing_packages(packages: Mapping[str, str]) -> list[str]:
    """Return the names among ``packages`` (name -> command or file glob that shows it) not there.

    What counts is the command or file: on another distribution the name is only a hint.
    """
    path = os.pathsep.join((os.environ.get("PATH", ""), _SYSTEM_PATH))

    def there(sign: str) -> bool:
        if sign.startswith("/"):
            return any(Path("/").glob(sign.lstrip("/")))
        return shutil.which(sign, path=path) is not None

    return sorted(name for name, sign in packages.items() if not there(sign))


def ensure_packages(
    packages: Mapping[str, str], *, why: str, say: Callable[[str], None] = print
) -> None:
    """Install what is missing of ``packages`` when root on Debian, after saying so.

    ``packages`` is name -> command or file glob that shows it is there; ``why`` completes "needed
    to ...". HarnessError with the apt-get line when it cannot be done.
    """
    missing = missing_packages(packages)
    if not missing:
        return
    names = " ".join(missing)
    line = f"apt-get install --no-install-recommends {names}"
    if os.geteuid() != 0 or not shutil.which("apt-get", path=_SYSTEM_PATH):
        raise HarnessError(
            f"Debian package{'s' if len(missing) > 1 else ''} {names} missing, needed to {why}",
            f"as root: {line}",
        )
    say(f"installing the Debian package{'s' if len(missing) > 1 else ''} {names}, needed to {why}")
    for arguments in (
        ["update", "--quiet"],
        ["install", "--yes", "--quiet", "--no-install-recommends", *missing],
    ):
        process = subprocess.run(
            ["apt-get", "-o", "DPkg::Lock::Timeout=600", *arguments],
            env=system_environment(DEBIAN_FRONTEND="noninteractive"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        # `update` fails as a whole when one of many sources is down; `install` decides.
        if process.returncode and arguments[0] == "install":
            tail = "\n".join((process.stdout + process.stderr).splitlines()[-8:])
            raise HarnessError(
                f"installing {names} (needed to {why}) failed:\n{tail}", f"as root: {line}"
            )
    if still := missing_packages(packages):
        raise HarnessError(f"{' '.join(still)} installed, but {packages[still[0]]} is not there")


def build_rootfs(wanted: DebianRootfs, work: Work) -> None:
    """Write ``rootfs.tar``: Debian's stock sources, no package lists, no documentation."""
    # The mirror network alone: its security archive is the same as security.debian.org's.
    sources = "\n".join(
        f"deb http://deb.debian.org/{archive} {wanted.version}{suite} main"
        for archive, suite in (("debian", ""), ("debian", "-updates"), _SECURITY)
    )
    _mmdebstrap(
        wanted,
        work,
        work.target / "rootfs.tar",
        sources,
        f"--variant={wanted.variant}",
        # mmdebstrap leaves this machine's behind
        '--customize-hook=rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    )


def build_files(wanted: DebianFiles, work: Work) -> None:
    """Unpack packages and copy the wanted files out of them."""
    archive = work.scratch / "packages.tar"
    _mmdebstrap(wanted, work, archive, "", "--variant=extract")
    with tarfile.open(archive) as packages:
        members = {f"/{member.name.removeprefix('./')}": member for member in packages}
        for name, pattern in wanted.files.items():
            found = sorted(path for path in members if Path(path).match(f"/{pattern}"))
            if not found:
                raise HarnessError(f"{wanted.name}: no {pattern} in {', '.join(wanted.include)}")
            with (work.target / name).open("wb") as output:
                for path in found:
                    content = packages.extractfile(members[path])
                    if content:
                        shutil.copyfileobj(content, output)
            (work.target / name).chmod(members[found[0]].mode & 0o777)


def _mmdebstrap(
    wanted: DebianRootfs | DebianFiles, work: Work, output: Path, sources: str, *options: str
) -> None:
    include = [f"--include={','.join(wanted.include)}"] if wanted.include else []
    work.runner.run(
        [
            "mmdebstrap",
            "--mode=root",
            *options,
            *include,
            wanted.version,
            output,
            *([sources] if sources else []),
        ],
        env=system_environment(TMPDIR=str(work.scratch), SOURCE_DATE_EPOCH=SOURCE_DATE_EPOCH),
        line=work.line,
        mounts=True,
    )
