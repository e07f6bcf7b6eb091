"""A wheel has the core compiled besides, where mypyc, a C compiler and Python's headers are there. All else about the
package is in pyproject.toml.
"""

import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT))

from pipeline.compiled import making  # noqa: E402  (a build may be started from anywhere: see the line above)


class Build(build_py):
    """The Python files and the extensions. An editable installation runs the checkout: there, `make compile`."""

    def run(self) -> None:
        """Without extensions if the compiler refuses: pure Python does the same."""
        super().run()
        if self.editable_mode or making.missing():
            return
        try:
            making.make(ROOT, Path(self.build_lib).absolute())
        except making.CannotCompile as error:
            self.warn(f"the core stays pure Python, compiling it failed: {error}")


class Package(Distribution):
    """A wheel with extensions is for one platform and one Python."""

    def has_ext_modules(self) -> bool:
        """Whether there will be extensions."""
        return not making.missing()


setup(cmdclass={"build_py": Build}, distclass=Package)
