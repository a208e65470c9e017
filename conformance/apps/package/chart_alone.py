"""A chart that nobody has packaged for Flux: installed by the package that is drafted for it."""

from __future__ import annotations

import posixpath

from conformance.apps.package.given import GivenApp
from conformance.linter.draft.choices import Given
from conformance.linter.draft.flux_package import chart_path, flux_package_for


def drafted(given: GivenApp) -> dict[str, bytes]:
    """Return a Flux package of a chart alone: path in the repository -> content.

    The chart is among the files. The values of its description win over those of the draft, and an
    override over both. Raises HarnessError if the app is no chart alone, DescriptionError.
    """
    described = given.description
    login = described.login
    said = Given(
        host=described.host or "",
        values=described.values,
        secrets=[one.name for one in described.secrets],
        redirect=(login and login.redirect_uri) or "",
        backchannel_logout=(login and login.backchannel_logout_uri) or "",
    )
    texts = flux_package_for(given.app, said)
    folder = posixpath.normpath(chart_path(given.app))
    chart = {f"{folder}/{path}": content for path, content in given.app.charts[0].files.items()}
    return {**chart, **{path: text.encode() for path, text in texts.items()}}
