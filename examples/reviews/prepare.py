"""Makes reviews.jsonl of a file of reviews with `id`, `text` and `ratings` (whole numbers, several people each).

python3 prepare.py RATED.jsonl 200 > reviews.jsonl

Takes the first reviews whose mean rating is not 0, and adds `mean` and each person's word: positive,
negative or neither.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def word(rating: float) -> str:
    """What a rating says, without how much."""
    return "positive" if rating > 0 else "negative" if rating < 0 else "neither"


def main(path: Path, most: int) -> None:
    """Writes at most `most` reviews to standard output, one line each."""
    written = 0
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            ratings = row["ratings"]
            if sum(ratings) == 0 or written == most:
                continue
            written += 1
            mean = sum(ratings) / len(ratings)
            words = [word(rating) for rating in ratings]
            print(json.dumps({"id": row["id"], "text": row["text"], "mean": mean, "ratings": ratings, "words": words}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
