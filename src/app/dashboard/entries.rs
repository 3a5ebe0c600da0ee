//! Entries: filtered as bookkeepers do, and taken away as a file of the same.

use actix_web::HttpResponse;
use actix_web::web::Data;
use maud::{Markup, html};

use super::form::Fields;
use super::guard::Visit;
use super::messages::further;
use super::refusal::Refusal;
use super::shell::{live, none, or_none, state, time, wide};
use super::{Desk, shell};
use crate::domain::ids::CustomerId;
use crate::domain::money::{Currency, Money};
use crate::domain::reading::Category;
use crate::domain::reply::EntryState;
use crate::store::pages::entries::{Entry, Filter, Unconfirmed};
use crate::store::pages::{Days, Page, ROWS};

/// The states of an entry.
const STATES: [EntryState; 3] = [EntryState::Booked, EntryState::Incomplete, EntryState::Duplicate];

/// The page.
pub async fn page(desk: Data<Desk>, visit: Visit, asked: Fields) -> Result<HttpResponse, Refusal> {
    let filter = filter(&asked)?;
    let found =
        desk.ask(move |store| async move { store.search_entries(&filter, ROWS).await }).await?;
    let file = format!("/entries.csv{}", asked.with(&[("before", None)]));
    let body = html! {
        h1 { "Entries" }
        (filter_form(&asked))
        p { a.button href=(file) download { "These entries as CSV" } }
        (live("list", &list(&found, &asked)))
    };
    Ok(shell::page(&visit, "/entries", "Entries", &body))
}

/// What an address asks for.
pub fn filter(asked: &Fields) -> Result<Filter, Refusal> {
    let unknown = |what: &str| Refusal::BadInput(format!("there is no such {what}"));
    let state = asked.text("state").map(|it| EntryState::parse(it).ok_or_else(|| unknown("state")));
    let category =
        asked.text("category").map(|it| Category::parse(it).ok_or_else(|| unknown("category")));
    let currency =
        asked.text("currency").map(|it| Currency::parse(it).ok_or_else(|| unknown("currency")));
    Ok(Filter {
        state: state.transpose()?,
        category: category.transpose()?,
        currency: currency.transpose()?,
        customer: asked.text("customer").map(|it| CustomerId(it.to_owned())),
        unconfirmed: match asked.text("confirmed") {
            Some("no") => Unconfirmed::Only,
            Some(_) | None => Unconfirmed::All,
        },
        days: Days { from: asked.day("from")?, to: asked.day("to")? },
        before: asked.number("before")?,
    })
}

fn filter_form(asked: &Fields) -> Markup {
    let chosen = |name: &str, value: &str| asked.text(name) == Some(value);
    html! {
        form.row.panel method="get" action="/entries" role="search" aria-label="Entries" {
            label { "State"
                select name="state" {
                    option value="" { "any" }
                    @for state in STATES {
                        option value=(state.as_str()) selected[chosen("state", state.as_str())] {
                            (state.as_str())
                        }
                    }
                }
            }
            label { "Category"
                select name="category" {
                    option value="" { "any" }
                    @for category in Category::ALL {
                        option value=(category.as_str()) selected[chosen("category", category.as_str())] {
                            (category.as_str())
                        }
                    }
                }
            }
            label { "Confirmed"
                select name="confirmed" {
                    option value="" { "any" }
                    option value="no" selected[chosen("confirmed", "no")] { "not yet" }
                }
            }
            label { "Currency"
                input.short name="currency" maxlength="3" value=[asked.text("currency")] placeholder="EUR";
            }
            label { "Customer"
                input name="customer" value=[asked.text("customer")] placeholder="cus_…" autocomplete="off";
            }
            label { "Booked from" input type="date" name="from" value=[asked.text("from")]; }
            label { "to" input type="date" name="to" value=[asked.text("to")]; }
            button type="submit" { "Show" }
        }
    }
}

fn list(found: &Page<Entry>, asked: &Fields) -> Markup {
    let table = html! {
        table.rows {
            thead { tr {
                th scope="col" { "Entry" } th scope="col" { "Date" } th scope="col" { "Merchant" }
                th.number scope="col" { "Total" } th scope="col" { "Category" } th scope="col" { "State" }
                th scope="col" { "Confirmed" } th scope="col" { "Booked" } th scope="col" { "Customer" }
            } }
            tbody {
                @for entry in &found.rows {
                    tr {
                        th scope="row" { a href={ "/entries/" (entry.id.0) } { "#" (entry.id.0) } }
                        td.nowrap { (entry.date.map_or_else(none, |it| html! { (it) })) }
                        td { (or_none(entry.merchant.as_deref())) }
                        td.number.nowrap { (amount(entry.total)) }
                        td { (or_none(entry.category.map(Category::as_str))) }
                        td { (state(entry.state.as_str())) }
                        td { @if entry.confirmed_at.is_some() { "yes" } @else { (none()) } }
                        td { (time(entry.booked_at)) }
                        td { code { (entry.customer) } }
                    }
                }
            }
        }
    };
    html! {
        @if found.rows.is_empty() { p.empty { "None found." } } @else { (wide("Entries", &table)) }
        (further(found, asked, "/entries"))
    }
}

/// An amount with all decimals of its currency, or that it is unknown.
pub fn amount(money: Option<Money>) -> Markup {
    let unknown = || html! { span.none { "unknown" } };
    money.map_or_else(unknown, |it| html! { (it.decimal()) " " (it.currency) })
}

/// The customer at Stripe.
pub fn customer_link(customer: &str) -> Markup {
    let address = format!("https://dashboard.stripe.com/customers/{customer}");
    html! { a href=(address) rel="noreferrer noopener" target="_blank" { code { (customer) } } }
}
