"""Fashion-MNIST: 70,000 pictures of clothes, 28x28, of which 10,000 are the test split."""

from pathlib import Path

from assay.learning.datasets import Dataset, Edition, Examples
from assay.learning.formats.idx import read_pair
from assay.learning.formats.published import RawFile

FILES = (
    RawFile(
        "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
    ),
    RawFile("train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    RawFile("t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    RawFile("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)
ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load(folder: Path) -> Examples:
    """Return uint8 images [60000, 28, 28, 1], their labels, and the test split of 10,000."""
    return Examples(*read_pair(folder, "train"), test=read_pair(folder, "t10k"))


DATASET = Dataset(
    name="fashion_mnist",
    shape=(28, 28, 1),
    classes=CLASSES,
    editions=(Edition("Fashion-MNIST as published", FILES, load, ADDRESS),),
)
