#!/usr/bin/env bash
# Clean data:  bash run_data_cleaning.sh [CONFIG [OPTIONS]]      without arguments: the bundled sample
#   nohup bash run_data_cleaning.sh configs/zh_web.yaml --input DIR --output DIR --workers 32 > r.log 2>&1 &
# The same command resumes; bash stopall.sh stops.
set -euo pipefail
case "${1:-}" in
  -h|--help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
esac
called_from="$PWD"
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./setup_env.sh models
project="$PWD"
. ./setup_models.sh
if [ $# -eq 0 ]; then
  sample_models
  exec "$PYTHON" -m cleaning run configs/sample.yaml --set "quality.model=$models/sample-quality.bin" --set "ads.model=$models/sample-ads.bin" \
    --set "langid.model=$models/lid.176.ftz"
fi
cd "$called_from"  # paths in the arguments are the caller's; configurations are found in the project as well
PYTHONPATH="$project${PYTHONPATH:+:$PYTHONPATH}" exec "$PYTHON" -m cleaning run "$@"
