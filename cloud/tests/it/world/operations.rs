//! Every operation of the API refuses nobody, a role without its permission, and another ISP.

use axum::http::Method;
use serde_json::{Value, json};
use weir_cloud::http::permission::{ALL, Permission, Role};

use crate::harness::{Answer, Cloud, run};

/// Operations that are for everybody, because nobody is logged in yet.
const OPEN: &[(&str, &str)] = &[("POST", "/api/v1/sessions"), ("POST", "/api/v1/staff-invitations/accept")];

struct Operation {
    method: Method,
    path: String,
    permission: Option<String>,
}

/// Every operation of the document, with ids of the right kind that name nothing.
async fn operations(cloud: &Cloud) -> Vec<Operation> {
    let document = cloud.ask(None, Method::GET, "/api/v1/openapi.json", None).await.expect(200);
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            if !matches!(method, Method::GET | Method::POST | Method::PATCH | Method::PUT | Method::DELETE) {
                continue;
            }
            operations.push(Operation {
                method,
                path: with_unknown_ids(path, operation),
                permission: operation["security"][0]["session"][0].as_str().map(str::to_owned),
            });
        }
    }
    assert!(operations.len() > 5, "the document names {} operations", operations.len());
    operations
}

fn with_unknown_ids(path: &str, operation: &Value) -> String {
    let mut filled = path.to_owned();
    for parameter in
        operation["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "path")
    {
        let name = parameter["name"].as_str().expect("a name");
        filled = filled
            .replace(&format!("{{{name}}}"), &format!("{}_0193594bd1e27c3f8a6b5d4e3f2a1b0c", prefix_of(path, name)));
    }
    filled
}

/// The prefix of the ids that follow a collection in a path.
fn prefix_of(path: &str, parameter: &str) -> &'static str {
    let before = path.split(&format!("/{{{parameter}}}")).next().unwrap_or_default();
    let collection = before.rsplit('/').next().unwrap_or_default();
    match collection {
        "audit-entries" => "aud",
        "api-keys" => "key",
        "webhooks" => "whk",
        "imports" => "imp",
        "webhook-deliveries" => "dlv",
        "staff" => "stf",
        "sessions" => "ses",
        "staff-invitations" => "ivt",
        "sites" => "sit",
        "routers" => "rtr",
        "access-points" => "acp",
        "agents" => "agt",
        "subscribers" => "sbr",
        "accounts" => "acc",
        "service-locations" => "loc",
        "plans" => "pln",
        "top-up-products" => "tpp",
        "boost-products" => "bop",
        "boosts" => "bos",
        "subscriptions" => "sub",
        "discounts" => "dsc",
        "charges" => "chg",
        "contracts" => "ctr",
        "pauses" => "lps",
        "line-probes" => "prb",
        "usage-quarantine" => "uqr",
        "diagnoses" => "dgn",
        "holds" => "hld",
        "billing-runs" => "run",
        "book-checks" => "bck",
        "recognitions" => "rcg",
        "invoices" => "inv",
        "credit-notes" => "crn",
        "proformas" => "pro",
        "orders" => "ord",
        "payments" => "pay",
        "messages" => "msg",
        "message-templates" => "tpl",
        "dunning-cases" => "dcs",
        "late-fees" => "fee",
        "versions" => "version",
        "plugins" => "plg",
        "plugin-versions" => "pgv",
        "plugin-invocations" => "pgi",
        "tickets" => "tkt",
        "ticket-attachments" => "att",
        "unmatched-mail" => "eml",
        "support-plan-weights" => "pln",
        "payment-attempts" => "pat",
        "payment-methods" => "pmt",
        "bank-files" => "bfl",
        "bank-statements" => "bst",
        "suspense-items" => "ssp",
        "tax-rules" => "txr",
        "tax-exemptions" => "txe",
        "tax-starters" => "starter",
        other => panic!("no id prefix known for the collection {other:?} of {path}: name it here"),
    }
}

async fn call(cloud: &Cloud, token: Option<&str>, operation: &Operation) -> Answer {
    let body = (operation.method != Method::GET && operation.method != Method::DELETE).then(|| json!({}));
    cloud.ask(token, operation.method.clone(), &operation.path, body).await
}

#[test]
fn every_operation_names_a_permission_and_refuses_nobody() {
    run(|cloud| async {
        for operation in operations(cloud).await {
            let name = format!("{} {}", operation.method, operation.path);
            if OPEN.contains(&(operation.method.as_str(), operation.path.as_str())) {
                continue;
            }
            let permission = operation.permission.clone().unwrap_or_else(|| panic!("{name} names no permission"));
            assert!(ALL.iter().any(|known| known.0 == permission), "{name} names {permission}, which does not exist");
            assert_eq!(call(cloud, None, &operation).await.status, 401, "{name} answers somebody without a session");
            assert_eq!(call(cloud, Some("forged"), &operation).await.status, 401, "{name} answers a forged token");
        }
    });
}

#[test]
fn every_operation_refuses_every_role_without_its_permission() {
    run(|cloud| async {
        let isp = cloud.isp().await;
        let mut refused = 0;
        let operations = operations(cloud).await;
        for role in Role::ALL {
            let token = cloud.staff(isp.tenant, role).await;
            for operation in &operations {
                let Some(permission) =
                    operation.permission.as_deref().and_then(|name| ALL.iter().find(|known| known.0 == name))
                else {
                    continue;
                };
                if role.may(Permission(permission.0)) {
                    continue;
                }
                let answer = call(cloud, Some(&token), operation).await;
                let name = format!("{} {} as {}", operation.method, operation.path, role.name());
                assert_eq!(answer.status, 403, "{name} was not refused: {}", answer.text);
                refused += 1;
            }
        }
        assert!(refused > 10, "only {refused} refusals tried");
    });
}

/// The permissions a key can have.
fn scopes() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|permission| permission.0).filter(|name| !["logged-in", "manage-api-keys"].contains(name))
}

#[test]
fn every_operation_takes_a_key_with_its_scope_and_no_other() {
    run(|cloud| async {
        let isp = cloud.isp().await;
        let operations = operations(cloud).await;
        for scope in scopes() {
            let wish = json!({ "name": scope, "scopes": [scope] });
            let key = isp.post("/api/v1/api-keys", wish).await.expect(201)["key"].as_str().expect("a key").to_owned();
            for operation in &operations {
                let Some(permission) = &operation.permission else { continue };
                let answer = call(cloud, Some(&key), operation).await;
                let name = format!("{} {} with a key for {scope}", operation.method, operation.path);
                assert_eq!(answer.status == 403, permission != scope, "{name}: {} {}", answer.status, answer.text);
                assert_ne!(answer.status, 401, "{name}: {}", answer.text);
            }
        }
    });
}

#[test]
fn what_does_not_exist_for_an_isp_is_not_found() {
    run(|cloud| async {
        let isp = cloud.isp().await;
        for operation in operations(cloud).await {
            // What a change needs is checked before the thing is looked up: only reads and deletes can be asked with nothing.
            if operation.path.contains('_') && matches!(operation.method, Method::GET | Method::DELETE) {
                let answer = call(cloud, Some(&isp.owner), &operation).await;
                assert_eq!(answer.status, 404, "{} {}: {}", operation.method, operation.path, answer.text);
            }
        }
    });
}
