"""HTML pages out of templates: whatever is data in them is escaped, and can be seen."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from conformance.common.visible import shown_lines


class _Page(Template):
    """A template whose page has no invisible character of what others wrote."""

    def render(self, *args: object, **kwargs: object) -> str:
        """Return the page; looked at as a whole, as to look at each value takes twice as long."""
        return shown_lines(super().render(*args, **kwargs))


class _Pages(Environment):
    template_class = _Page


def environment(package: str) -> Environment:
    """Return jinja2 with the templates of a package; a name that is not known is an error."""
    return _Pages(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
