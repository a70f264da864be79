"""Named data sets, checked, and the survey's splits.

A data set is looked for in the folder ``GANAD_DATA`` (default: the user's cache folder), as ``NAME.npz`` or
``kddcup.data_10_percent.gz``; else its publisher's files are downloaded there.  Whatever it came in, its *content* is
checked against a known fingerprint, and images are put in one canonical order: a split depends on its seed alone.
"""

from ganad.datasets.contents import (
    CorruptDatasetError,
    Dataset,
    DatasetError,
    DatasetUnavailableError,
    UnknownDatasetError,
    data_folder,
    fingerprint,
)
from ganad.datasets.sources import NAMES, check, class_names, data_file, fetch, load_dataset, source
from ganad.datasets.splits import KDD_HEAVY_TAILED, Split, kdd_split, leave_one_out, subsample

__all__ = [
    "KDD_HEAVY_TAILED",
    "NAMES",
    "CorruptDatasetError",
    "Dataset",
    "DatasetError",
    "DatasetUnavailableError",
    "Split",
    "UnknownDatasetError",
    "check",
    "class_names",
    "data_file",
    "data_folder",
    "fetch",
    "fingerprint",
    "kdd_split",
    "leave_one_out",
    "load_dataset",
    "source",
    "subsample",
]
