#!/bin/sh
# What a change of Gemma4Deployments would do, as Markdown on standard output, for a comment on the pull request.
#
#   plan.sh BASE FOLDER [further options of `gemma4 plan`]
#
# BASE is the commit to compare with, such as origin/main; FOLDER is where the manifests are. The exit code is that of
# `gemma4 plan`: 0 all of it would be served, 2 something is not valid, 3 something would not be served.
set -eu

if [ $# -lt 2 ]; then
  echo "plan.sh: must be called as plan.sh BASE FOLDER, with the commit to compare with and where the manifests are" >&2
  exit 2
fi
base=$1 folder=$2
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Every file ends a document, whether or not its author wrote so.
documents() {
  while IFS= read -r path; do
    echo ---
    "$@" "$path"
    echo
  done
}

at_base() {
  git show "$base:./$1"
}

git rev-parse --quiet --verify "$base^{commit}" >"$work/commit" || {
  echo "plan.sh: $base must be a commit of this repository: fetch it first, with enough depth" >&2
  exit 2
}
# The commit from which the change was made: what others have merged since is no part of it.
base=$(git merge-base "$base" HEAD)

manifests() {
  grep -E '\.ya?ml$' || true
}

existing() {
  while IFS= read -r path; do
    # One that is deleted and not yet committed is still listed.
    if [ -e "$path" ]; then echo "$path"; fi
  done
}

cd "$folder"
git -c core.quotePath=off ls-tree -r --name-only "$base" . | manifests | documents at_base >"$work/before.yaml"
git -c core.quotePath=off ls-files --cached --others --exclude-standard . | manifests | existing |
  documents cat >"$work/after.yaml"
cd "$OLDPWD"

gemma4 plan -f "$work/after.yaml" --compare "$work/before.yaml" "$@"
