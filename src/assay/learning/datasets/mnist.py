"""MNIST: 70,000 handwritten digits, 28x28, of which 10,000 are the test split."""

from pathlib import Path

from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.idx import read_pair
from assay.learning.formats.published import RawFile

FILES = (
    RawFile(
        "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    RawFile("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    RawFile("t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    RawFile("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
# The authors' own page asks for a password by now; this mirror has their files.
ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist"


def load(folder: Path) -> Examples:
    """Return uint8 images [60000, 28, 28, 1], their labels, and the test split of 10,000."""
    return Examples(*read_pair(folder, "train"), test=read_pair(folder, "t10k"))


DATASET = Dataset(
    name="mnist",
    shape=(28, 28, 1),
    classes=tuple("0123456789"),
    editions=(Edition("MNIST as published", FILES, load, ADDRESS),),
)
