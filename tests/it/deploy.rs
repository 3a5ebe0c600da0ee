//! What is shipped for running Paragon fits the programs: manifests, dashboard, alerts, runbook. What
//! Kubernetes, Grafana and KEDA make of it is not tried here: none of them is on the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use paragon::store::Store;
use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::metrics::numbers_in_the_list;
use crate::rig::cluster;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents of a YAML file.
fn yaml(path: &str) -> Vec<Value> {
    let parsed = serde_saphyr::from_multiple(&text(path));
    parsed.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every alert's name with its expression.
fn alerts() -> BTreeMap<String, String> {
    let rules = yaml("deploy/prometheus/alerts.yml").remove(0);
    let groups = rules["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|it| it["rules"].as_array().unwrap());
    rules
        .map(|it| {
            let word = |key: &str| it[key].as_str().unwrap().to_owned();
            let severity = it["labels"]["severity"].as_str().unwrap();
            assert!(["page", "ticket"].contains(&severity), "{it}");
            (word("alert"), word("expr"))
        })
        .collect()
}

#[test]
fn each_alert_has_its_section_in_the_runbook_and_each_section_its_alert() {
    let runbook = text("docs/runbook.md");
    let (_, sections) = runbook.split_once("\n## Alerts\n").unwrap();
    let mut told = BTreeSet::new();
    for section in sections.split("\n### ").skip(1) {
        let (alert, words) = section.split_once('\n').unwrap();
        for part in ["**Means** (", "**Look**: ", "**Do**: "] {
            assert!(words.contains(part), "{alert} does not say {part}");
        }
        told.insert(alert.to_owned());
    }
    assert_eq!(told, alerts().into_keys().collect());
}

/// Names of our numbers in an expression.
fn numbers_in(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
    words.filter(|it| it.starts_with("paragon_") || it.starts_with("apalis_lease_"))
}

/// Every expression of the dashboard.
fn dashboard() -> Vec<String> {
    let dashboard: Value =
        serde_json::from_str(&text("deploy/grafana/dashboards/paragon.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|it| it["targets"].as_array()).flatten();
    targets
        .map(|it| {
            assert_eq!(it["datasource"]["uid"], "prometheus", "{it}");
            it["expr"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn every_number_that_dashboard_and_alerts_ask_for_is_in_the_list() {
    let listed = numbers_in_the_list();
    let datasource = yaml("deploy/grafana/provisioning/datasources/prometheus.yml").remove(0);
    assert_eq!(datasource["datasources"][0]["uid"], "prometheus");
    let mut asked = 0;
    for expression in alerts().into_values().chain(dashboard()) {
        for number in numbers_in(&expression) {
            let of_histogram = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|it| number.strip_suffix(it))
                .is_some_and(|it| listed.get(it).is_some_and(|kind| kind == "histogram"));
            assert!(of_histogram || listed.contains_key(number), "{number} in {expression}");
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked}");
}

/// Names that `.env.example` has, also as files.
fn is_setting(name: &str) -> bool {
    let plain = name.strip_suffix("_FILE").unwrap_or(name);
    text(".env.example").lines().any(|line| {
        let line = line.trim_start_matches(['#', ' ']);
        [name, plain].iter().any(|it| line.starts_with(&format!("{it}=")))
    })
}

#[test]
fn compose_mounts_what_there_is_and_asks_for_settings_that_there_are() {
    let compose = yaml("docker-compose.yml").remove(0);
    for (service, told) in compose["services"].as_object().unwrap() {
        for volume in told["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().unwrap().split(':').next().unwrap();
            let is_there = match source.strip_prefix("./") {
                Some(path) => root().join(path).exists(),
                None => compose["volumes"].get(source).is_some(),
            };
            assert!(is_there, "{service} mounts {source}");
        }
    }
    let whole = text("docker-compose.yml");
    for variable in whole.split("${").skip(1) {
        let name = variable.split([':', '}']).next().unwrap();
        assert!(is_setting(name), "{name} is not in .env.example");
    }
    assert!(root().join("deploy/prometheus/alerts.yml").exists());
}

#[test]
fn containers_are_nobody_in_particular_write_nowhere_and_have_no_capabilities() {
    let compose = yaml("docker-compose.yml").remove(0);
    let services = compose["services"].as_object().unwrap();
    let ours =
        services.iter().filter(|(_, it)| it["image"].as_str().unwrap().starts_with("paragon:"));
    let mut names = Vec::new();
    for (name, told) in ours {
        assert_eq!(told["read_only"], true, "{name}");
        assert_eq!(told["cap_drop"][0], "ALL", "{name}");
        assert!(told["cap_add"].is_null() && told["privileged"].is_null(), "{name}");
        assert!(told["user"].is_null(), "{name} is who the image says");
        assert_eq!(told["security_opt"][0], "no-new-privileges:true", "{name}");
        for port in told["ports"].as_array().into_iter().flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name} listens on {port}");
        }
        names.push(name.as_str());
    }
    names.sort_unstable();
    assert_eq!(names, ["api", "dashboard", "ingress", "migrate", "worker"]);
    let foreign: [(&str, &[&str]); 2] = [
        (
            "ingress",
            &["STRIPE_SECRET_KEY", "ANTHROPIC_API_KEY", "EVENT_SECRET", "POSTGRES_PASSWORD"],
        ),
        ("worker", &["META_APP_SECRET", "STRIPE_WEBHOOK_SECRET", "POSTGRES_PASSWORD"]),
    ];
    for (name, secrets) in foreign {
        for secret in secrets {
            assert_eq!(services[name]["environment"][secret], "", "{name} has {secret}");
        }
    }
    let ingress = &services["ingress"];
    let folder = ingress["environment"]["SPOOL_DIR"].as_str().unwrap();
    assert_eq!(ingress["volumes"][0], format!("spool:{folder}"), "the spool is on its volume");

    let image = text("Dockerfile");
    let last = image.rsplit("\nFROM ").next().unwrap();
    let user = last.lines().find_map(|it| it.strip_prefix("USER ")).unwrap();
    let id: u32 = user.split(':').next().unwrap().parse().unwrap();
    assert!(id >= 1000, "{user}");
    assert!(!last.contains("--features"), "no simulator is in the image");
}

fn manifests() -> Vec<(String, Value)> {
    let folder = root().join("deploy/kubernetes");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    let name = |it: &PathBuf| it.file_name().unwrap().to_str().unwrap().to_owned();
    let documents = |file: String| {
        let parsed = yaml(&format!("deploy/kubernetes/{file}"));
        parsed.into_iter().map(move |it| (file.clone(), it))
    };
    files.iter().map(name).flat_map(documents).collect()
}

#[test]
fn pods_are_nobody_in_particular_write_nowhere_and_ask_for_settings_that_there_are() {
    let mut pods = BTreeSet::new();
    for (file, told) in manifests() {
        let pod = &told["spec"]["template"]["spec"];
        if pod.is_null() {
            continue;
        }
        let kind = told["kind"].as_str().unwrap().to_owned();
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{file}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{file}");
        let secrets = pod["volumes"].as_array().unwrap();
        assert!(secrets.iter().any(|it| it["secret"]["secretName"] == "paragon"), "{file}");
        for container in pod["containers"].as_array().unwrap() {
            let held = &container["securityContext"];
            assert_eq!(held["readOnlyRootFilesystem"], true, "{file}");
            assert_eq!(held["allowPrivilegeEscalation"], false, "{file}");
            assert_eq!(held["capabilities"]["drop"][0], "ALL", "{file}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{file}");
            for variable in container["env"].as_array().unwrap() {
                let name = variable["name"].as_str().unwrap();
                assert!(is_setting(name), "{name} in {file} is not in .env.example");
            }
            if kind != "Job" {
                assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz", "{file}");
                assert!(container["readinessProbe"].is_object(), "{file}");
            }
        }
        pods.insert(kind);
    }
    assert_eq!(pods, ["Deployment", "Job", "StatefulSet"].map(str::to_owned).into());
    let settings = manifests().into_iter().find(|it| it.1["kind"] == "ConfigMap").unwrap().1;
    for name in settings["data"].as_object().unwrap().keys() {
        assert!(is_setting(name), "{name}");
    }
}

#[test]
fn the_spool_of_an_ingress_is_on_a_volume_that_comes_back() {
    let ingress = manifests().into_iter().find(|it| it.1["kind"] == "StatefulSet").unwrap().1;
    let spec = &ingress["spec"];
    assert_eq!(spec["persistentVolumeClaimRetentionPolicy"]["whenScaled"], "Retain");
    let volume = spec["volumeClaimTemplates"][0]["metadata"]["name"].as_str().unwrap();
    let container = &spec["template"]["spec"]["containers"][0];
    let mounts = container["volumeMounts"].as_array().unwrap();
    let mount = mounts.iter().find(|it| it["name"] == volume).unwrap()["mountPath"].as_str();
    let variables = container["env"].as_array().unwrap();
    let folder = variables.iter().find(|it| it["name"] == "SPOOL_DIR").unwrap()["value"].as_str();
    assert!(folder.unwrap().starts_with(mount.unwrap()), "{folder:?} is not on {mount:?}");
}

#[test]
fn every_manifest_is_applied_and_every_one_that_is_applied_is_there() {
    let mut files: BTreeSet<String> = manifests().into_iter().map(|it| it.0).collect();
    files.remove("kustomization.yaml");
    let kustomization = yaml("deploy/kubernetes/kustomization.yaml").remove(0);
    let resources = kustomization["resources"].as_array().unwrap().iter();
    assert_eq!(files, resources.map(|it| it.as_str().unwrap().to_owned()).collect());
}

/// KEDA takes one number from each, as the role that may only read.
#[tokio::test(flavor = "multi_thread")]
async fn workers_are_scaled_by_queries_that_the_reader_may_ask() {
    let cluster = cluster().await;
    let url = cluster.create_database("scaled").await.unwrap();
    let store = Store::open(&url, 1).unwrap();
    store.migrate().await.unwrap();
    sqlx::query("set role paragon_reader").execute(store.pool()).await.unwrap();
    let scaled = manifests().into_iter().find(|it| it.1["kind"] == "ScaledObject").unwrap().1;
    let triggers = scaled["spec"]["triggers"].as_array().unwrap();
    assert_eq!(triggers.len(), 2);
    for trigger in triggers {
        let query = trigger["metadata"]["query"].as_str().unwrap().to_owned();
        let asked = sqlx::query_scalar::<_, i64>(AssertSqlSafe(query));
        assert_eq!(asked.fetch_one(store.pool()).await.unwrap(), 0);
        let target: u32 =
            trigger["metadata"]["targetQueryValue"].as_str().unwrap().parse().unwrap();
        assert!(target > 0);
    }
    store.close().await;
}
