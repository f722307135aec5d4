"""`dr import-model`: a model from elsewhere becomes one of this workspace's bucket, complete or not at all.

`drcli.models.import_sources` reads it, `import_layout` says what each file is, `import_facts` and `import_checkpoints`
what the model is. `drcli.models.copies` is for models that already have our layout.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drcli.config.retarget import adopt, parse
from drcli.config.settings import Settings
from drcli.errors import DrError
from drcli.launch.bucket import open_bucket
from drcli.models.copies import NEEDED, look_at_target
from drcli.models.import_checkpoints import COACH, INDEX, Checkpoints, find_checkpoints
from drcli.models.import_facts import ModelFacts, read_facts
from drcli.models.import_layout import arrange, is_known
from drcli.models.import_sources import ImportSource, default_prefix
from drcli.models.model_location import ModelLocation
from drcli.models.upload import check_apart, check_idle
from drcli.paths import Workspace
from drcli.store import model_files, transfer
from drcli.store.client import ObjectInfo
from drcli.store.transfer import Content, Meter, Tell

_PARAMS = (".yaml", ".yml")
_MOST_BYTES = 512 << 10  # of a document; the longest reward function of 700 has 81 kB


@dataclass(frozen=True)
class FoundModel:
    """The model in a source. `files`: name in our layout → name at the source; `documents`: the small ones."""

    files: Mapping[str, str]
    documents: Mapping[str, bytes]
    facts: ModelFacts
    checkpoints: Checkpoints
    ignored: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class ModelImport:
    """An import that has been checked but not started."""

    source: ImportSource
    target: ModelLocation
    model: FoundModel
    existing: tuple[ObjectInfo, ...]
    was_finished: bool

    @property
    def written(self) -> dict[str, bytes]:
        """Content of the documents at the target: those that name buckets or checkpoints are changed."""
        bucket, prefix = self.target.bucket.config.bucket, self.target.prefix
        found = {
            name: adopt(content, bucket, prefix) if name.endswith(_PARAMS) else content
            for name, content in self.model.documents.items()
        }
        return found | self.model.checkpoints.documents

    @property
    def copied(self) -> dict[str, str]:
        """All other files: name at the target → name at the source."""
        written = self.written
        return {name: origin for name, origin in self.model.files.items() if name not in written}

    @property
    def sizes(self) -> dict[str, int]:
        """Size of each file, by its name at the target."""
        there = self.source.sizes
        copied = {name: there[origin] for name, origin in self.copied.items()}
        return copied | {name: len(content) for name, content in self.written.items()}

    @property
    def total_bytes(self) -> int:
        """Size of all files."""
        return sum(self.sizes.values())

    @property
    def custom_files(self) -> dict[str, bytes]:
        """The custom files that the model came with."""
        found = self.model.documents
        return {custom: found[name] for name, custom in NEEDED.items() if name in found}

    def outdated(self, *, wipe: bool) -> list[str]:
        """Keys at the target that will be deleted."""
        return model_files.outdated(self.target.prefix, self.existing, self.sizes, wipe=wipe)

    def to_dict(self, *, wipe: bool) -> dict[str, object]:
        """For JSON."""
        checkpoints = self.model.checkpoints
        return {
            "source": self.source.address,
            "target": self.target.address,
            "prefix": self.target.prefix,
            "files": self.sizes,
            "bytes": self.total_bytes,
            "ignored": self.model.ignored,
            "deleted": self.outdated(wipe=wipe),
            "model": self.model.facts.to_dict(),
            "checkpoints": [str(name) for name in checkpoints.names],
            "best": str(checkpoints.index.best.name),
            "last": str(checkpoints.index.last.name),
            "warnings": list(self.model.warnings),
        }


def find_model(source: ImportSource) -> FoundModel:
    """The model in a source. Raises DrError: there is none, or several; a document is missing or invalid."""
    links = [name for name in source.links if is_known(name)]
    if links:
        raise DrError(
            f"{', '.join(links[:5])} in {source.address} is a link; links are not followed.",
            "Put the file itself in its place.",
        )
    sizes, layout = source.sizes, arrange(source.sizes)
    documents = {name: _document(source, origin) for name, origin in layout.files.items() if _is_read(name)}
    checkpoints = find_checkpoints({name: sizes[origin] for name, origin in layout.files.items()}, documents)
    facts, warnings = read_facts(documents)
    broken = [name for name in documents if name.endswith(_PARAMS) and not parse(documents[name])]
    warnings += [f"Left out {name}: it is not a params document." for name in broken]
    spare = checkpoints.spare.union(broken)
    return FoundModel(
        files={name: origin for name, origin in layout.files.items() if name not in spare},
        documents={name: content for name, content in documents.items() if name not in spare},
        facts=facts,
        checkpoints=checkpoints,
        ignored=len(layout.ignored) + source.others + len(source.links) + len(spare),
        warnings=(*checkpoints.warnings, *warnings),
    )


def prepare(
    settings: Settings,
    workspace: Workspace,
    source: ImportSource,
    prefix: str | None,
    *,
    is_dry: bool = False,
) -> ModelImport:
    """Prepare to import a model to `prefix`, or to one named after the source.

    Unless `is_dry`, an earlier transfer to the same target that was interrupted while it switched files is
    finished first.

    Raises:
        DrError: as `find_model`; or a run is using the target.
    """
    here = transfer.prefix_of(prefix or default_prefix(source.address))
    model = find_model(source)
    target = ModelLocation(open_bucket(settings, workspace, write=not is_dry), here)
    check_idle(workspace, here)
    if source.place:
        check_apart(source.place, target, workspace)
    was_finished, existing = look_at_target(target, is_dry=is_dry)
    return ModelImport(source, target, model, existing, was_finished)


def run(prepared: ModelImport, *, wipe: bool, tell: Tell = transfer.quiet) -> None:
    """Write all files or none."""
    target, total_bytes = prepared.target, prepared.total_bytes
    meter = Meter(total_bytes, tell, total_bytes if prepared.source.place else 0)
    copied, files = prepared.copied, dict[str, Content](prepared.written)
    with tempfile.TemporaryDirectory(prefix="drcli-model-") as folder:
        fetched = prepared.source.fetch(list(copied.values()), Path(folder), meter)
        files |= {name: fetched[origin] for name, origin in copied.items()}
        drop = prepared.outdated(wipe=wipe)
        transfer.replace_files(target.bucket, target.prefix, files, drop=drop, meter=meter)


def _is_read(name: str) -> bool:
    """Whether the import looks into a file, named as in our layout."""
    return name in NEEDED or name in (INDEX, COACH) or (name.endswith(_PARAMS) and "/" not in name)


def _document(source: ImportSource, name: str) -> bytes:
    size_bytes = source.sizes[name]
    if size_bytes > _MOST_BYTES:
        raise DrError(
            f"{name} in {source.address} has {size_bytes:,} bytes; it cannot be what its name says.",
            f"The limit is {_MOST_BYTES:,}.",
        )
    return source.read(name)
