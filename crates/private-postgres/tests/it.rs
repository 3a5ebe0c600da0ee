//! The promises of this crate, kept with the Postgres of this machine, as root and as anyone else.
//! Each test has clusters of its own.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use private_postgres::{Cluster, Error, Options, Stop};
use rustix::process::{Pid, test_kill_process};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_private-postgres");

async fn started() -> Cluster {
    Cluster::start(Options::default()).await.unwrap()
}

async fn run(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn ask(url: &str, question: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let answer = sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&mut connection).await;
    connection.close().await.unwrap();
    answer.unwrap()
}

/// Waits until `holds`, at most twenty seconds.
fn until(promise: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 20 seconds: {promise}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn runs(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat"));
    let zombie = state.is_ok_and(|it| it.contains(") Z "));
    !zombie && Pid::from_raw(pid).is_some_and(|it| test_kill_process(it).is_ok())
}

/// A folder that everyone may use, for a child's TMPDIR.
fn open_folder() -> TempDir {
    let made = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(made.path(), fs::Permissions::from_mode(0o777)).unwrap();
    made
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// The program of this crate, its temporary folders below `base`.
fn program(base: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.env("TMPDIR", base).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn folder_in(url: &str) -> PathBuf {
    let (_, rest) = url.split_once("host=").unwrap();
    PathBuf::from(rest.split('&').next().unwrap())
}

fn postmaster(data: &Path) -> i32 {
    let file = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn whoever_we_are_postgres_never_runs_as_root() {
    let cluster = started().await;
    let owner = fs::metadata(cluster.data_dir()).unwrap().uid();
    assert_ne!(owner, 0);
    assert_eq!(ask(&cluster.url("postgres"), "show listen_addresses").await, "");
}

#[tokio::test]
async fn a_user_without_any_rights_gets_a_cluster_too() {
    let base = open_folder();
    let copy = base.path().join("program");
    fs::copy(PROGRAM, &copy).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy);
    if !rustix::process::geteuid().is_root() {
        command = Command::new(&copy);
    }
    let command = command.env("TMPDIR", base.path()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let url = first_line(&mut child);
    assert_eq!(ask(&url, "select 'here'").await, "here");
    child.kill().unwrap();
    child.wait().unwrap();
    until("the folder is gone", || !folder_in(&url).exists());
}

#[tokio::test]
async fn two_clusters_side_by_side_do_not_see_each_other() {
    let (one, two) = (started().await, started().await);
    let url = one.create_database("mine").await.unwrap();
    assert_eq!(ask(&url, "select current_database()::text").await, "mine");
    let names = "select string_agg(datname, ' ' order by datname) from pg_database";
    assert_eq!(ask(&two.url("postgres"), names).await, "postgres template0 template1");
}

#[tokio::test]
async fn psql_and_sqlx_understand_the_same_url() {
    let cluster = started().await;
    let mut psql = Command::new(cluster.bin_dir().join("psql"));
    psql.env("PGPORT", "1").env("PGSSLMODE", "require");
    psql.args([cluster.url("postgres").as_str(), "-XAtc", "select current_user"]);
    let answer = psql.output().unwrap();
    assert_eq!(String::from_utf8(answer.stdout).unwrap().trim(), "paragon");
}

#[tokio::test]
async fn a_database_made_from_another_has_all_that_was_in_it() {
    let cluster = started().await;
    let template = cluster.create_database("model").await.unwrap();
    run(&template, "create table receipt as select 'café 12,50 €' as line").await;
    let copy = cluster.create_database_from("copy_1", "model").await.unwrap();
    assert_eq!(ask(&copy, "select line from receipt").await, "café 12,50 €");
    let refused = cluster.create_database("x\"; drop table receipt; --").await;
    assert!(matches!(refused, Err(Error::NotADatabaseName(_))));
}

#[tokio::test]
async fn what_was_committed_is_there_after_either_stop() {
    let mut cluster = started().await;
    let url = cluster.create_database("kept").await.unwrap();
    run(&url, "create table note(line text); insert into note values ('first')").await;
    for how in [Stop::Fast, Stop::Immediate] {
        cluster.stop(how).await.unwrap();
        assert_eq!(cluster.pid(), None);
        assert!(PgConnection::connect(&url).await.is_err());
        cluster.start_again().await.unwrap();
        assert_eq!(ask(&url, "select line from note").await, "first");
    }
}

#[tokio::test]
async fn a_kept_folder_is_used_again_and_nothing_else_stays() {
    let base = open_folder();
    let keep = base.path().join("kept");
    let options = Options { keep: Some(keep.clone()), durable: true, ..Options::default() };
    let first = Cluster::start(options.clone()).await.unwrap();
    run(&first.url("postgres"), "create table note as select 'still here' as line").await;
    assert_eq!(ask(&first.url("postgres"), "show fsync").await, "on");
    let socket = folder_in(&first.url("postgres"));
    drop(first);
    assert!(!socket.exists());
    let second = Cluster::start(options.clone()).await.unwrap();
    assert_eq!(ask(&second.url("postgres"), "select line from note").await, "still here");
    let Err(Error::DidNotStart { log, .. }) = Cluster::start(options).await else {
        panic!("two clusters used one folder");
    };
    assert!(log.contains("postmaster.pid"), "{log}");
    assert_eq!(ask(&second.url("postgres"), "select line from note").await, "still here");
    drop(second);
    assert_eq!(fs::read_dir(base.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_left_alone() {
    let base = open_folder();
    fs::write(base.path().join("letter"), "dear all").unwrap();
    let options = Options { keep: Some(base.path().to_owned()), ..Options::default() };
    assert!(matches!(Cluster::start(options).await, Err(Error::NotACluster(_))));
    assert_eq!(fs::read_dir(base.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn two_that_make_the_template_at_once_both_start_and_leave_one() {
    let shelf = open_folder();
    let options = Options { templates: Some(shelf.path().to_owned()), ..Options::default() };
    let (one, two) = tokio::join!(Cluster::start(options.clone()), Cluster::start(options.clone()));
    let from_template = Cluster::start(options).await.unwrap();
    for cluster in [one.unwrap(), two.unwrap(), from_template] {
        assert_eq!(ask(&cluster.url("postgres"), "select 'here'").await, "here");
    }
    assert_eq!(fs::read_dir(shelf.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn what_filled_the_first_cluster_is_in_the_next_without_filling_again() {
    let shelf = open_folder();
    let mut fillings = 0;
    for _ in 0..2 {
        let fill = async |cluster: &Cluster| {
            fillings += 1;
            let url = cluster.create_database("filled").await?;
            run(&url, "create table letters as select 7 as number").await;
            Ok::<(), Error>(())
        };
        let cluster = Cluster::start_filled(Options::default(), shelf.path(), "letters", fill);
        let cluster = cluster.await.unwrap();
        let url = cluster.url("filled");
        assert_eq!(ask(&url, "select number::text from letters").await, "7");
    }
    assert_eq!(fillings, 1);
    let other = async |_: &Cluster| Ok::<(), Error>(());
    let cluster = Cluster::start_filled(Options::default(), shelf.path(), "others", other);
    let cluster = cluster.await.unwrap();
    let there = "select count(*)::text from pg_database where datname = 'filled'";
    assert_eq!(ask(&cluster.url("postgres"), there).await, "0");
}

#[tokio::test]
async fn a_setting_of_the_caller_wins() {
    let settings = vec![("max_connections".to_owned(), "7".to_owned())];
    let cluster = Cluster::start(Options { settings, ..Options::default() }).await.unwrap();
    assert_eq!(ask(&cluster.url("postgres"), "show max_connections").await, "7");
}

#[tokio::test]
async fn a_setting_that_postgres_refuses_is_told_in_its_own_words() {
    let settings = vec![("max_connections".to_owned(), "many".to_owned())];
    let refused = Cluster::start(Options { settings, ..Options::default() }).await;
    let Err(Error::DidNotStart { log, .. }) = refused else { panic!("it started") };
    assert!(log.contains("max_connections"), "{log}");
}

#[tokio::test]
async fn a_frozen_cluster_answers_nothing_until_it_thaws_and_has_lost_nothing() {
    let cluster = started().await;
    let url = cluster.create_database("frozen").await.unwrap();
    let frozen = cluster.freeze().unwrap().expect("it runs");
    let asked = tokio::time::timeout(Duration::from_millis(300), PgConnection::connect(&url)).await;
    assert!(asked.is_err(), "it answers although it is frozen");
    drop(frozen);
    assert_eq!(ask(&url, "select 1::text").await, "1");
}

#[tokio::test]
async fn a_dropped_cluster_leaves_nothing() {
    let cluster = started().await;
    let folder = folder_in(&cluster.url("postgres"));
    let pid = postmaster(cluster.data_dir());
    drop(cluster);
    assert!(!folder.exists());
    assert!(!runs(pid));
}

#[test]
fn a_parent_that_is_killed_leaves_nothing() {
    let base = open_folder();
    let mut child = program(base.path()).spawn().unwrap();
    let folder = folder_in(&first_line(&mut child));
    let pid = postmaster(&folder.join("data"));
    assert!(folder.starts_with(base.path()) && runs(pid));
    child.kill().unwrap();
    child.wait().unwrap();
    until("Postgres has ended", || !runs(pid));
    until("the folder is gone", || is_empty(base.path()));
}

#[test]
fn a_parent_that_is_killed_while_it_makes_the_cluster_leaves_nothing() {
    let base = open_folder();
    let data_begun = |entry: fs::DirEntry| entry.path().join("data/base").exists();
    let mut child = program(base.path()).spawn().unwrap();
    until("initdb has begun", || fs::read_dir(base.path()).unwrap().flatten().any(data_begun));
    child.kill().unwrap();
    child.wait().unwrap();
    until("the folder is gone", || is_empty(base.path()));
}

#[test]
fn a_kept_cluster_whose_parent_is_killed_ends_cleanly_and_stays() {
    let base = open_folder();
    let keep = base.path().join("kept");
    let mut child = program(base.path()).arg("--keep").arg(&keep).spawn().unwrap();
    let folder = folder_in(&first_line(&mut child));
    let pid = postmaster(&keep);
    child.kill().unwrap();
    child.wait().unwrap();
    until("Postgres has ended", || !runs(pid) && !keep.join("postmaster.pid").exists());
    until("the socket's folder is gone", || !folder.exists());
    assert!(keep.join("PG_VERSION").exists());
}
