"""Builds the wheel with the standard library alone (PEP 517), so that installing needs no network.

The wheel holds the package and the descriptors of the API's messages, compiled now from proto/ by pharos_analyst/descriptors.py."""
import base64
import hashlib
import importlib.util
import pathlib
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
NAME, VERSION = "pharos_analyst", "0.1.0"
INFO = f"{NAME}-{VERSION}.dist-info"
METADATA = f"""Metadata-Version: 2.1
Name: pharos-analyst
Version: {VERSION}
Summary: Counts, breakdowns and funnels of Pharos audiences, as tidy tables.
Requires-Python: >=3.9
Requires-Dist: grpcio>=1.51
Requires-Dist: protobuf>=3.21
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: package_builder\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _descriptors():
    """Loaded by its file: the package itself needs grpcio, building it does not."""
    spec = importlib.util.spec_from_file_location("descriptors", HERE / NAME / "descriptors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _contents():
    files = {f"{NAME}/{path.name}": path.read_bytes() for path in sorted((HERE / NAME).glob("*.py"))}
    files[f"{NAME}/py.typed"] = b""
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder) / "api.desc"
        descriptors = _descriptors()
        descriptors.compile_protos(HERE.parent.parent / "proto", made)
        files[f"{NAME}/{descriptors.BUNDLED}"] = made.read_bytes()
    return files


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    files = {**_contents(), f"{INFO}/METADATA": METADATA.encode(), f"{INFO}/WHEEL": WHEEL.encode()}
    record = ""
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record += f"{name},sha256={digest},{len(data)}\n"
    files[f"{INFO}/RECORD"] = (record + f"{INFO}/RECORD,,\n").encode()
    wheel = f"{NAME}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    """Only from the repository: the protos lie outside this folder."""
    name = f"{NAME}-{VERSION}"
    with tarfile.open(pathlib.Path(sdist_directory) / f"{name}.tar.gz", "w:gz") as archive:
        for path in [HERE / "pyproject.toml", HERE / "package_builder.py", HERE / "README.md", *sorted((HERE / NAME).glob("*.py"))]:
            archive.add(path, f"{name}/{path.relative_to(HERE)}")
    return f"{name}.tar.gz"
