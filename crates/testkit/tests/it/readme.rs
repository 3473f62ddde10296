//! README's commands, as they are written.

use std::process::Command;

use insula_testkit::{TestApp, both_stores};
use serde_json::Value;

const README: &str = include_str!("../../../../README.md");

both_stores! {
    async fn the_commands_in_the_readme_run(app: TestApp) {
        let (_, rest) = README.split_once("```sh\n").expect("README has a block of commands");
        let (script, _) = rest.split_once("```").expect("the block ends");
        let mut command = Command::new("sh");
        command.args(["-eu", "-c", script]).env("INSULA", app.url());
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let told = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{told}");
        // One line for each call.
        let answers: Vec<Value> =
            String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [entity, leak, _, urgent, audit] = &answers[..] else { panic!("{told}") };
        assert_eq!(entity["name"], "ticket");
        assert_eq!(urgent["items"].as_array().unwrap(), std::slice::from_ref(leak));
        assert!(audit["items"].as_array().unwrap().iter().any(|event| event["action"] == "record.create"), "{told}");
        assert!(!told.contains("urn:") && !told.contains("/docs/problems#"), "{told}");
    }
}
