"""Clients from spreadsheets: a file kept, its columns mapped, what it would do, the import in parts, taking it back."""

from __future__ import annotations

from branch_node.operations.client_importing.kept import (
    IMPORT_BYTES_MAX,
    IMPORT_ROWS_MAX,
    ImportSettings,
    KeptImport,
    bad_rows_file,
    change_settings,
    discard,
    first_rows,
    keep_file,
    list_imports,
    read_import,
    rows_with_outcome,
)
from branch_node.operations.client_importing.running import (
    Preview,
    Progress,
    preview_import,
    read_progress,
    revert_import,
    run_import,
    start_import,
    start_reverting,
)

__all__ = [
    "IMPORT_BYTES_MAX",
    "IMPORT_ROWS_MAX",
    "ImportSettings",
    "KeptImport",
    "Preview",
    "Progress",
    "bad_rows_file",
    "change_settings",
    "discard",
    "first_rows",
    "keep_file",
    "list_imports",
    "preview_import",
    "read_import",
    "read_progress",
    "revert_import",
    "rows_with_outcome",
    "run_import",
    "start_import",
    "start_reverting",
]
