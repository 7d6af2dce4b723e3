//! One finding of a SARIF run, normalised: package, file, symbols, call stack, entry point, and what is missing of them.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::Value;

use super::facts::Finding;
use super::sarif::{ArtifactLocation, Bag, Component, Rule, Run, Tool};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunResult<'a> {
    rule_id: Option<&'a str>,
    rule_index: Option<i64>,
    #[serde(borrow)]
    rule: Option<RuleReference<'a>>,
    kind: Option<&'a str>,
    level: Option<&'a str>,
    baseline_state: Option<&'a str>,
    #[serde(borrow, default)]
    locations: Vec<Location<'a>>,
    #[serde(borrow, default)]
    stacks: Vec<Stack<'a>>,
    #[serde(borrow, default)]
    code_flows: Vec<CodeFlow<'a>>,
    #[serde(default)]
    properties: Bag,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleReference<'a> {
    id: Option<&'a str>,
    index: Option<i64>,
    tool_component: Option<ComponentReference>,
}

#[derive(Deserialize)]
struct ComponentReference {
    index: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(borrow)]
    physical_location: Option<Physical<'a>>,
    #[serde(borrow, default)]
    logical_locations: Vec<Logical<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Physical<'a> {
    #[serde(borrow)]
    artifact_location: Option<ArtifactLocation<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    fully_qualified_name: Option<&'a str>,
    name: Option<&'a str>,
    kind: Option<&'a str>,
}

#[derive(Deserialize)]
struct Stack<'a> {
    #[serde(borrow)]
    frames: Vec<Step<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CodeFlow<'a> {
    #[serde(borrow)]
    thread_flows: Vec<ThreadFlow<'a>>,
}

#[derive(Deserialize)]
struct ThreadFlow<'a> {
    #[serde(borrow)]
    locations: Vec<Step<'a>>,
}

#[derive(Deserialize)]
struct Step<'a> {
    #[serde(borrow)]
    location: Option<Location<'a>>,
}

/// The finding that a result is; `None` for a result that reports no problem or one that is no longer there.
/// A suppression does not hide a finding: what is not exploitable is told by VEX.
pub(super) fn normalised(run: &Run<'_>, rules: &Rules<'_>, result: &RunResult<'_>) -> Option<Finding> {
    let no_problem = matches!(result.kind, Some("pass" | "notApplicable" | "informational"));
    if no_problem || result.baseline_state == Some("absent") {
        return None;
    }
    let rule = rules.of_result(result);
    let id = result.rule_id.or(result.rule.as_ref().and_then(|r| r.id)).or(rule.map(|rule| rule.id));
    let call_stack = result.call_stack();
    let stated = |name: &str| result.properties.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut finding = Finding {
        id: id.unwrap_or_default().to_owned(),
        severity: Some(severity(result, rule).to_owned()),
        exploitability: stated("exploitability"),
        purl: stated("purl").filter(|purl| purl.starts_with("pkg:")).or_else(|| result.purl()),
        file_path: result.locations.iter().find_map(|location| location.path(run)).map(str::to_owned),
        symbols: result.symbols(),
        entry_point: stated("entryPoint").or_else(|| call_stack.first().cloned()),
        call_stack,
        source: Some(run.tool.driver.name.to_owned()),
        unexplained: Vec::new(),
    };
    finding.unexplained = missing(&finding);
    Some(finding)
}

/// The rules of a run: those of the driver, then of each extension, by id.
pub(super) struct Rules<'r>(Vec<(&'r [Rule<'r>], HashMap<&'r str, &'r Rule<'r>>)>);

impl<'r> Rules<'r> {
    pub(super) fn of(tool: &'r Tool<'r>) -> Self {
        let by_id = |component: &'r Component<'r>| {
            let rules = component.rules.as_slice();
            // Of two rules with one id the first counts.
            (rules, rules.iter().rev().map(|rule| (rule.id, rule)).collect())
        };
        Rules(std::iter::once(&tool.driver).chain(&tool.extensions).map(by_id).collect())
    }

    /// The metadata of a result's rule: by the reference's component and index, where they lead to a rule of that id,
    /// else by id, or by the id above it (`CA1000` for `CA1000/1`).
    fn of_result(&self, result: &RunResult<'_>) -> Option<&'r Rule<'r>> {
        let reference = result.rule.as_ref();
        let extension = reference.and_then(|r| r.tool_component.as_ref()?.index).and_then(place);
        let (listed, by_id) = self.0.get(extension.map_or(0, |index| index.saturating_add(1)))?;
        let index = reference.and_then(|r| r.index).or(result.rule_index).and_then(place);
        let id = result.rule_id.or(reference.and_then(|r| r.id));
        let by_index = index.and_then(|index| listed.get(index)).filter(|rule| is_of(rule.id, id));
        let above = |id: &str| id.rsplit_once('/').and_then(|(above, _)| by_id.get(above)).copied();
        by_index.or_else(|| by_id.get(id?).copied()).or_else(|| above(id?))
    }
}

impl RunResult<'_> {
    /// A package URL among the logical locations.
    fn purl(&self) -> Option<String> {
        let names = self.locations.iter().flat_map(|location| &location.logical_locations);
        names.filter_map(Logical::text).find(|name| name.starts_with("pkg:")).map(str::to_owned)
    }

    /// Logical locations that are code, and the symbols that the properties state.
    fn symbols(&self) -> Vec<String> {
        const CONTAINERS: [&str; 5] = ["package", "namespace", "module", "resource", "declaration"];
        let is_code = |at: &&Logical<'_>| !at.kind.is_some_and(|kind| CONTAINERS.contains(&kind));
        let named = self.locations.iter().flat_map(|location| &location.logical_locations).filter(is_code);
        let stated = self.properties.get("symbols").and_then(Value::as_array).into_iter().flatten();
        let mut known = HashSet::new();
        let all = named.filter_map(Logical::text).chain(stated.filter_map(Value::as_str));
        all.filter(|symbol| !symbol.starts_with("pkg:") && known.insert(*symbol)).map(str::to_owned).collect()
    }

    /// From the entry point inwards. A SARIF stack lists the innermost frame first, a code flow the first step first.
    fn call_stack(&self) -> Vec<String> {
        let name = |step: &Step<'_>| {
            let location = step.location.as_ref()?;
            location.logical_locations.first().and_then(Logical::text).map(str::to_owned)
        };
        let frames = self.stacks.first().map(|stack| &stack.frames);
        let stack: Vec<String> = frames.into_iter().flatten().rev().filter_map(name).collect();
        if !stack.is_empty() {
            return stack;
        }
        let flow = self.code_flows.first().and_then(|flow| flow.thread_flows.first());
        flow.into_iter().flat_map(|flow| &flow.locations).filter_map(name).collect()
    }
}

impl Location<'_> {
    fn path<'r>(&'r self, run: &'r Run<'_>) -> Option<&'r str> {
        let artifact = self.physical_location.as_ref()?.artifact_location.as_ref()?;
        artifact.uri.or_else(|| {
            let listed = run.artifacts.get(place(artifact.index?)?)?;
            listed.location.as_ref()?.uri
        })
    }
}

impl Logical<'_> {
    fn text(&self) -> Option<&str> {
        self.fully_qualified_name.or(self.name)
    }
}

/// Whether a result of this rule id is of the rule: the same id, or one below it (`CA1000/1`). An index that leads to
/// another rule is wrong (SARIF 2.1.0 §3.27.6) and lends no severity.
fn is_of(rule: &str, id: Option<&str>) -> bool {
    id.is_none_or(|id| id.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// An index of the format, where -1 says "none".
fn place(index: i64) -> Option<usize> {
    usize::try_from(index).ok()
}

/// `security-severity` by the CVSS v3 bands, the result's own before its rule's; else the level (SARIF 2.1.0 §3.27.10).
fn severity(result: &RunResult<'_>, rule: Option<&Rule<'_>>) -> &'static str {
    let own = score(&result.properties);
    if let Some(score) = own.or_else(|| score(&rule?.properties)) {
        return band(score);
    }
    let by_rule = || rule?.default_configuration.as_ref()?.level;
    let level = match result.kind {
        None | Some("fail") => result.level.or_else(by_rule).unwrap_or("warning"),
        Some(_) => result.level.unwrap_or("none"),
    };
    match level {
        "error" => "HIGH",
        "warning" => "MEDIUM",
        "note" => "LOW",
        _ => "NONE",
    }
}

fn score(properties: &Bag) -> Option<f64> {
    let stated = properties.get("security-severity")?;
    let score = stated.as_f64().or_else(|| stated.as_str()?.trim().parse().ok())?;
    (0.0..=10.0).contains(&score).then_some(score)
}

fn band(score: f64) -> &'static str {
    match score {
        s if s >= 9.0 => "CRITICAL",
        s if s >= 7.0 => "HIGH",
        s if s >= 4.0 => "MEDIUM",
        s if s > 0.0 => "LOW",
        _ => "NONE",
    }
}

/// The members of a finding that the scan did not give, in the order of the finding.
fn missing(finding: &Finding) -> Vec<String> {
    let members = [
        ("id", finding.id.is_empty()),
        ("exploitability", finding.exploitability.is_none()),
        ("purl", finding.purl.is_none()),
        ("filePath", finding.file_path.is_none()),
        ("symbols", finding.symbols.is_empty()),
        ("callStack", finding.call_stack.is_empty()),
        ("entryPoint", finding.entry_point.is_none()),
    ];
    members.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name.to_owned()).collect()
}
