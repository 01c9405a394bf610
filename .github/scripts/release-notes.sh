#!/usr/bin/env bash
# Prints the text of a release: how to pin it, how to verify it, what is inside.
# usage: release-notes.sh VERSION IMAGE@DIGEST FOLDER      runs after tag-release.sh, on its commit
set -euo pipefail

version=${1:?usage: release-notes.sh VERSION IMAGE@DIGEST FOLDER}
image=${2:?usage: release-notes.sh VERSION IMAGE@DIGEST FOLDER}
folder=${3:?usage: release-notes.sh VERSION IMAGE@DIGEST FOLDER}
repository=${GITHUB_REPOSITORY:?owner/name}

cat <<END
Pin this release by its commit:

\`\`\`yaml
- uses: $repository@$(git rev-parse HEAD) # v$version
\`\`\`

It runs \`$image\` (linux/amd64, linux/arm64). Verify where that came from, and what is inside:

\`\`\`
gh attestation verify oci://$image --repo $repository \\
  --signer-workflow $repository/.github/workflows/release-image.yml
gh attestation verify oci://$image --repo $repository --predicate-type https://spdx.dev/Document/v2.3
\`\`\`

Built on \`$(cat "$folder/base-image.txt")\` from commit $(git rev-parse 'HEAD^').

<details><summary>SHA-256 of the files</summary>

\`\`\`
$(cat "$folder/SHA256SUMS")
\`\`\`
</details>
END
