//! What it costs, and how the tables are.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::app::dashboard::shell::{self, count, time_or_none, wide};
use crate::store::pages::health::{Cost, Table};

/// What the month has cost so far.
pub fn costs(costs: &[Cost], now: DateTime<Utc>) -> Markup {
    let usd = |micro: i64| format!("${}.{:04}", micro / 1_000_000, micro % 1_000_000 / 100);
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "For" } th scope="col" { "Kind" } th.number scope="col" { "Charged" }
                th.number scope="col" { "Free" } th.number scope="col" { "Price" }
            } }
            tbody {
                @for cost in costs {
                    @let for_what = if cost.number.is_empty() { "reading photos" } else { &cost.number };
                    tr {
                        th scope="row" { (for_what) }
                        td { (cost.category) }
                        td.number { (count(cost.billable)) }
                        td.number { (count(cost.free)) }
                        td.number { (cost.micro_usd.map_or_else(shell::none, |it| html! { (usd(it)) })) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Cost in " (now.format("%B %Y")) }
            @if costs.is_empty() { p.empty { "Nothing was charged so far." } }
            @else {
                (wide("Cost", &table))
                p.note { "Messages as Meta bills them; their prices are between you and Meta." }
            }
        }
    }
}

/// How the tables are, and what keeps vacuum from them.
pub fn tables(
    tables: &[Table],
    oldest_snapshot: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Markup {
    let table = html! {
        table {
            thead { tr {
                th scope="col" { "Table" } th.number scope="col" { "Size" } th.number scope="col" { "Rows" }
                th.number scope="col" { "Dead rows" } th scope="col" { "Vacuumed" }
            } }
            tbody {
                @for table in tables {
                    tr {
                        th scope="row" { (table.name.trim_start_matches("public.")) }
                        td.number { (size(table.bytes)) }
                        td.number { "≈ " (count(table.live_rows)) }
                        td.number { (count(table.dead_rows)) }
                        td { (time_or_none(table.vacuumed_at)) }
                    }
                }
            }
        }
    };
    html! {
        section.panel {
            h2 { "Tables" }
            (wide("Tables", &table))
            p.note {
                @match oldest_snapshot {
                    Some(since) => {
                        "The oldest open transaction began " (shell::took(now - since))
                        " ago; vacuum removes nothing that ended since."
                    }
                    None => "No transaction holds vacuum back.",
                }
            }
        }
    }
}

fn size(bytes: i64) -> String {
    match bytes {
        it if it < 10 * 1024 * 1024 => format!("{} kB", count(it / 1024)),
        it => format!("{} MB", count(it / (1024 * 1024))),
    }
}
