"""What every command takes that looks at signatures of this or of another Huike."""

from pathlib import Path
from typing import Annotated

import typer

PublicKeys = Annotated[
    list[Path] | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Keys (PEM) that they are signed with; none: that of this Huike.",
    ),
]
