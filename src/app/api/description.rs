//! The description of the API (`OpenAPI` 3.1), made of the code that serves it, and the page to try it.
//! The page's own files are in the program: it loads nothing from elsewhere.

use actix_web::web::{ServiceConfig, get};
use actix_web::{HttpResponse, Responder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi as Document, Ref, RefOr, ResponseBuilder,
    Type,
};
use utoipa::{IntoParams, Modify, OpenApi};
use utoipa_swagger_ui::SwaggerUi;

use super::{entries, events, photos, refusal, reminders, senders};

/// A write that is asked for under a name is done once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it describes a header, which once.rs reads")]
pub struct IdempotencyKey {
    /// Names the write for 24 hours, 1 to 255 characters: asked for again under the same name, it is not
    /// done again, and what there is is shown. Another write under the same name is 422.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Paragon",
        description = "Receipts photographed in WhatsApp, as booked entries. docs/api.md has scopes, \
                       limits and what happens when called twice.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        entries::list, entries::one, entries::correct, entries::confirm, entries::count,
        photos::one, senders::list, senders::one, senders::search,
        reminders::list, reminders::one, reminders::schedule, reminders::cancel,
        events::list, events::one, events::redeliver,
    ),
    components(schemas(refusal::Problem)),
    modifiers(&Everywhere),
    tags(
        (name = "entries", description = "scopes entries:read, entries:write"),
        (name = "photos", description = "scope photos:read, or a signed link"),
        (name = "senders", description = "scope senders:read"),
        (name = "reminders", description = "scopes reminders:read, reminders:write"),
        (name = "events", description = "scopes events:read, events:write"),
    ),
)]
struct Described;

/// What every operation has in common: keys, the refusals that none is free of, and the headers of
/// limits.
struct Everywhere;

/// Status and what it means, of every operation.
const REFUSALS: [(&str, &str); 8] = [
    ("400", "the request cannot be read"),
    ("401", "no key, or none that is good"),
    ("403", "the key lacks the scope"),
    ("404", "it is not there, or not for this key to see"),
    ("409", "the same request is under way"),
    ("422", "the Idempotency-Key was used for another request"),
    ("429", "the key asks too often; Retry-After says when to come back"),
    ("503", "the database does not answer; come back after Retry-After"),
];

/// Headers of every answer to a key.
const LIMITS: [(&str, &str); 3] = [
    ("RateLimit-Limit", "requests that the key has in a minute"),
    ("RateLimit-Remaining", "how many of them are left"),
    ("RateLimit-Reset", "seconds until the next minute"),
];

impl Modify for Everywhere {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_with(Default::default);
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
        for item in document.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
                complete(operation);
            }
        }
    }
}

fn complete(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, description) in REFUSALS {
        let refusal = ResponseBuilder::new().description(description).build();
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(refusal));
    }
    for (status, response) in responses {
        let RefOr::T(response) = response else { continue };
        if status.starts_with(['4', '5']) {
            let problem = Ref::from_schema_name("Problem");
            let problem = ContentBuilder::new().schema(Some(problem)).build();
            response.content.insert("application/problem+json".to_owned(), RefOr::T(problem));
        }
        // Nobody is counted before their key is known.
        if status == "401" || status == "503" {
            continue;
        }
        for (name, description) in LIMITS {
            let whole = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build();
            let header = HeaderBuilder::new().schema(Some(whole)).description(Some(description));
            response.headers.insert(name.to_owned(), RefOr::T(header.build()));
        }
    }
}

/// The description.
pub fn document() -> Document {
    Described::openapi()
}

/// The description as JSON.
pub fn json() -> Result<String, serde_json::Error> {
    document().to_pretty_json()
}

/// `/v1/openapi.json`, and `/docs/` to try it.
pub fn page(config: &mut ServiceConfig) {
    config.route("/v1/openapi.json", get().to(served)).service(
        SwaggerUi::new("/docs/{_:.*}")
            .config(utoipa_swagger_ui::Config::from("/v1/openapi.json").validator_url("none")),
    );
}

async fn served() -> impl Responder {
    HttpResponse::Ok().json(document())
}
