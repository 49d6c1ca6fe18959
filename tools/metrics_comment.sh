#!/usr/bin/env bash
# Print, as Markdown, what the committed metrics and parameters say against another revision.
# Run: tools/metrics_comment.sh REVISION
set -euo pipefail
cd "$(dirname "$0")/.."
revision=${1:?usage: tools/metrics_comment.sh REVISION}
# From the common ancestor: what the other branch did since then is not this one's doing.
base=$(git rev-parse --short "$(git merge-base "$revision" HEAD)")

table() {
    local rows
    rows=$(dvc "$1" diff --md "$base" HEAD)
    echo "### $2"
    echo
    # Without a change there is nothing, or a table's head and no row.
    if [ "$(wc -l <<<"$rows")" -gt 2 ]; then echo "$rows"; else echo "No change."; fi
    echo
}

table metrics "Metrics"
table params "Parameters"
echo "Committed results, as \`dvc metrics diff\` shows them: measured where they were committed from."
