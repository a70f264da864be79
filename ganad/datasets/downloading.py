"""One file of a publisher, downloaded and checked."""

import warnings
from pathlib import Path

from ganad.datasets.contents import CorruptDatasetError, DatasetUnavailableError, data_folder
from ganad.datasets.published import Source


def download(origin: Source, file: str, folder: Path, progress: bool) -> Path:
    """The file, put into the folder; what goes wrong, as a :class:`~ganad.datasets.DatasetError` of one line."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # the bar says what is downloaded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fetched = pooch.retrieve(
                origin.folder + file,
                known_hash=f"sha256:{origin.files[file]}",
                fname=file,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=_RichBar(file) if progress else False, timeout=30),
            )
    except requests.RequestException as error:
        raise DatasetUnavailableError(
            f"{file} cannot be downloaded ({type(error).__name__}): get it from {origin.page} "
            f"and put it, or NAME.npz with x_train, y_train, x_test, y_test, into {data_folder()}"
        ) from error
    except ValueError as error:  # pooch's word for a wrong checksum
        raise CorruptDatasetError(
            f"{file} from {origin.folder} has the wrong sha256: the download was damaged or the publisher changed it; "
            "try again, or get it from " + origin.page
        ) from error
    return Path(fetched)


class _RichBar:
    """A Rich progress bar behind the interface pooch wants (`total`, `update`, `reset`, `close`)."""

    def __init__(self, file: str) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        self._bar = Progress(TextColumn(file), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._task = self._bar.add_task(file, total=None)
        self.total = 0

    def update(self, size: int) -> None:
        self._bar.start()
        self._bar.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        self._bar.reset(self._task)

    def close(self) -> None:
        self._bar.stop()
