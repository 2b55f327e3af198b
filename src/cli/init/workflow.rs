//! The workflow: one job judges and has no secret, another publishes and has one, and runs nothing of the checkout; two tell GitHub what was found, and
//! have nothing but the results.

/// Where the action is: the release that this program is of, or nobody knows and the user says.
pub(super) const ACTION: Option<&str> = option_env!("PORTCULLIS_ACTION");

const CHECKOUT: &str = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2";
const UPLOAD: &str = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2";
const DOWNLOAD: &str = "actions/download-artifact@d3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0";

/// What a workflow is about.
#[derive(Debug, Clone)]
pub(super) struct Delivery<'a> {
    /// What tells its runs, artifacts and file apart from those of the repository's other services.
    pub service: &'a str,
    /// Its folder in the repository, with `/`; `.` for the repository's root.
    pub folder: &'a str,
    /// The branch that is delivered.
    pub branch: &'a str,
    /// `OWNER/REPO@COMMIT` of the action.
    pub action: &'a str,
    /// True where the image goes to GitHub's own registry.
    pub to_packages: bool,
}

/// The text of the workflow. Every name in it is of letters, digits, `.`, `-`, `_` and `/`: see [`is_plain`].
#[must_use]
pub(super) fn workflow(delivery: &Delivery<'_>) -> String {
    let Delivery {
        service,
        folder,
        branch,
        action,
        to_packages,
    } = delivery;
    // The action that tells lies beside the one that judges.
    let tell = action.replacen('@', "/tell@", 1);
    // Outside of the checkout: a commit may bring a link where results would lie.
    let results = "${{ runner.temp }}/results";
    let (packages, login) = match to_packages {
        true => (
            "      # The image.\n      packages: write\n",
            "      - name: log in\n        env:\n          TOKEN: ${{ github.token }}\n          ACTOR: ${{ github.actor }}\n        \
             run: echo \"$TOKEN\" | docker login ghcr.io --username \"$ACTOR\" --password-stdin\n",
        ),
        false => ("", ""),
    };
    format!(
        "\
# Written by `portcullis init`. The first job builds and judges, and has no secret; the second publishes what was judged, and builds nothing. The others tell
# GitHub what was found: they have a token, and nothing of the code.
name: 'portcullis {service}'

on:
  pull_request:
  merge_group:
  push:
    branches: ['{branch}']

permissions: {{}}

# A newer commit of a pull request ends the older run; what is being published is never ended half-way.
concurrency:
  group: 'portcullis-{service}-${{{{ github.ref }}}}'
  cancel-in-progress: ${{{{ github.event_name == 'pull_request' }}}}

jobs:
  judge:
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    permissions:
      contents: read
    outputs:
      verdict: ${{{{ steps.gate.outputs.verdict }}}}
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
          # Approvals of waivers are read from the history.
          fetch-depth: 0
      - id: gate
        uses: {action}
        with:
          directory: '{folder}'
          output: {results}
          until: policy
      - if: always()
        uses: {UPLOAD}
        with:
          name: 'portcullis-{service}'
          path: {results}
          if-no-files-found: ignore

  deliver:
    needs: judge
    if: github.event_name == 'push' && needs.judge.outputs.verdict == 'cleared'
    runs-on: ubuntu-24.04
    timeout-minutes: 60
    # Protect it: whoever may approve there delivers.
    environment: production
    permissions:
      contents: read
{packages}    outputs:
      rollout: ${{{{ steps.gate.outputs.rollout }}}}
    steps:
      - uses: {CHECKOUT}
        with:
          persist-credentials: false
          fetch-depth: 0
      - uses: {DOWNLOAD}
        with:
          name: 'portcullis-{service}'
          path: {results}
{login}      # The image is judged once more, and is what was judged: nothing is built here.
      - id: gate
        uses: {action}
        env:
          PORTCULLIS_KEY: ${{{{ secrets.PORTCULLIS_KEY }}}}
        with:
          directory: '{folder}'
          output: {results}
          prebuilt: true
      - if: always()
        uses: {UPLOAD}
        with:
          name: 'portcullis-{service}-delivered'
          # The image is where it was published.
          path: |
            {results}/*.json
            {results}/*.html
            {results}/*.md
            {results}/events.ndjson
          if-no-files-found: ignore

  tell:
    needs: judge
    if: always() && github.event_name == 'pull_request' && needs.judge.outputs.verdict != ''
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    permissions:
      pull-requests: write
    steps:
      - uses: {DOWNLOAD}
        with:
          name: 'portcullis-{service}'
          path: results
      - uses: {tell}
        with:
          what: comment
          results: results

  record:
    needs: [judge, deliver]
    if: always() && github.event_name == 'push' && needs.judge.outputs.verdict != ''
    runs-on: ubuntu-24.04
    timeout-minutes: 30
    permissions:
      # The dependency graph.
      contents: write
      deployments: write
    steps:
      - uses: {DOWNLOAD}
        with:
          name: 'portcullis-{service}'
          path: results
      - uses: {tell}
        with:
          what: dependencies
          results: results
      - if: always() && needs.deliver.outputs.rollout != ''
        uses: {DOWNLOAD}
        with:
          name: 'portcullis-{service}-delivered'
          path: delivered
      - if: always() && needs.deliver.outputs.rollout != ''
        uses: {tell}
        with:
          what: deployment
          results: delivered
"
    )
}

/// True for a name that means itself in YAML, in an expression and in a shell.
#[must_use]
pub(in crate::cli) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/'))
        && !name.starts_with('-')
}
