#!/bin/sh
# Writes a file as a comment on a pull request, in the place of the one that was written for the same words before.
#
#   comment.sh OWNER/REPOSITORY NUMBER FILE [words that tell this comment from others, such as the folder]
#
# It takes `gh` and its token, GH_TOKEN, with the right to write comments.
set -eu

if [ $# -lt 3 ]; then
  echo "comment.sh: must be called as comment.sh OWNER/REPOSITORY NUMBER FILE [words], with the file to be written" >&2
  exit 2
fi
repository=$1 number=$2 file=$3
shift 3

# A sum of the words: as they are, they could end what hides the mark.
mark="<!-- gemma4-plan $(printf '%s\n' "$@" | cksum | tr ' ' -) -->"

body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  echo "$mark"
  cat "$file"
} >"$body"

# Only comments of whoever asks: anybody may write the mark into theirs. `gh` fills in $endCursor, page by page.
listing='query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      comments(first: 100, after: $endCursor) {
        nodes { id viewerDidAuthor body }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}'
change='mutation($id: ID!, $body: String!) {
  updateIssueComment(input: {id: $id, body: $body}) { clientMutationId }
}'
ours='.data.repository.pullRequest.comments.nodes[] | select(.viewerDidAuthor) | "\(.id) \(.body | split("\n")[0])"'

listed=$(gh api graphql --paginate -f query="$listing" --jq "$ours" \
  -f owner="${repository%/*}" -f name="${repository#*/}" -F number="$number")
comment=$(printf '%s\n' "$listed" | grep -F -- "$mark" | head -n 1 | cut -d ' ' -f 1)

if [ -n "$comment" ]; then
  gh api graphql --silent -f query="$change" -f id="$comment" -F body=@"$body"
else
  gh pr comment "$number" --repo "$repository" --body-file "$body"
fi
