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

git rev-parse --quiet --verify "$base^{commit}" >"$work/commit" || {
  echo "plan.sh: $base must be a commit of this repository: fetch it first, with enough depth" >&2
  exit 2
}
# The commit from which the change was made: what others have merged since is no part of it.
base=$(git merge-base "$base" HEAD)

# With -z git writes names as they are; lines are what the shell can read.
manifests() {
  tr '\0' '\n' | grep -E '\.(ya?ml|json)$' | LC_ALL=C sort -u || true
}

# Either list may be empty: a folder that is new, or that goes with its last manifest, is one without any.
git --literal-pathspecs ls-tree -rz --full-name --name-only "$base" -- "$folder" | manifests >"$work/were"
git --literal-pathspecs ls-files -z --cached --others --exclude-standard -- "$folder" | manifests >"$work/are"
if [ ! -s "$work/were" ] && [ ! -s "$work/are" ] && [ ! -d "$folder" ]; then
  echo "plan.sh: $folder must be a folder of this repository, and is neither here nor where the change began" >&2
  exit 2
fi

# What was there lies in one folder, each file by the number of its line.
mkdir "$work/before"
: >"$work/before/000000.yaml"
number=0
while IFS= read -r path; do
  number=$((number + 1))
  git show "$base:$path" >"$(printf '%s/before/%06d.yaml' "$work" "$number")"
done <"$work/were"

found=
while IFS= read -r path; do
  # One that is deleted and not yet committed is still listed.
  if [ -e "$path" ]; then
    set -- "$@" -f "$path"
    found=yes
  fi
done <"$work/are"
if [ -z "$found" ]; then set -- "$@" -f /dev/null; fi

# Messages name a file of before as its author knows it.
named() {
  PLACE=$work/before WERE=$work/were FOLDER=$folder awk '
    BEGIN { while ((getline path < ENVIRON["WERE"]) > 0) names[++lines] = path }
    {
      said = ""
      while (at = index($0, ENVIRON["PLACE"])) {
        said = said substr($0, 1, at - 1)
        $0 = substr($0, at + length(ENVIRON["PLACE"]))
        if ($0 ~ /^\/[0-9][0-9][0-9][0-9][0-9][0-9]\.yaml/) {
          said = said names[substr($0, 2, 6) + 0] " (before the change)"
          $0 = substr($0, 13)
        } else {
          said = said ENVIRON["FOLDER"] " (before the change)"
        }
      }
      print said $0
    }'
}

code=0
gemma4 plan --compare "$work/before" "$@" 2>"$work/errors" || code=$?
named <"$work/errors" >&2
exit "$code"
