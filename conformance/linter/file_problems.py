"""What is wrong with the files of a tree, as far as somebody needs them, and of which app it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from conformance.linter.app import Chart, FluxKustomization
from conformance.linter.elsewhere import ChartsElsewhere
from conformance.linter.files import YamlFiles, in_chart, inside
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.flux.kustomizations import FluxTree
from conformance.linter.grouping import Group
from conformance.linter.reading.tree import YAML_SUFFIXES, shown


class FileProblems:
    """Files that cannot be read, or followed, among those that count."""

    def __init__(
        self,
        files: YamlFiles,
        flux: FluxTree,
        kustomizations: Sequence[FluxKustomization],
        charts: Sequence[Chart],
        of_charts: Sequence[Problem],
        elsewhere: ChartsElsewhere | None,
    ) -> None:
        """``of_charts`` is what is wrong with the charts' own files."""
        self._files = files
        self._flux = flux
        self._kustomizations = kustomizations
        self._charts = charts
        self._of_charts = of_charts
        self._elsewhere = elsewhere

    @cached_property
    def all(self) -> list[Problem]:
        """What is wrong with the files that count: those of Flux's folders, and objects.

        To be asked for when all charts that are elsewhere have been read.
        """
        paths = {*self._files.candidates, *self._flux.owner}
        read = [problem for path in sorted(paths) for problem in self._files.parse(path)[1]]
        elsewhere = self._elsewhere.problems if self._elsewhere else []
        return [*self._files.tree.problems, *self._of_links(), *self._of_charts, *elsewhere, *read]

    def of(self, group: Group, files: Collection[str]) -> list[Problem]:
        """Return what is wrong with the files of an app; ``files`` are those of its objects."""
        folders = [k.folder for k in group.kustomizations if k.folder is not None]
        return [
            problem
            for problem in self.all
            if problem.place.file in files
            or any(inside(problem.place.file, folder) for folder in folders)
            or any(inside(problem.place.file, chart.folder) for chart in group.charts)
            or (not folders and group.objects and inside(problem.place.file, group.path))
        ]

    def _of_links(self) -> list[Problem]:
        """Return the links that Helm or Flux needs and that lead nowhere."""
        scanned = [
            one.folder
            for one in self._kustomizations
            if one.folder is not None and self._files.kustomization_file(one.folder) is None
        ]
        broken = self._files.tree.links.broken
        needed = [
            path
            for path in broken
            if any(in_chart(path, one.folder) and one.needs(path) for one in self._charts)
            or (path.endswith(YAML_SUFFIXES) and any(inside(path, one) for one in scanned))
        ]
        return [
            Problem(
                Place(path),
                f"{quoted(shown(path))} is a symbolic link that cannot be followed: {broken[path]}",
                "Put the file itself here.",
            )
            for path in needed
        ]
