//! The catalogue as people see it here: with the payment provider's own price ids, where they are configured.

use crate::server::catalogue::{self, Offer};
use crate::server::state::Server;

/// Everything on offer. Where Paddle takes the money, only what it has a price for.
#[must_use]
pub fn offers(server: &Server) -> Vec<Offer> {
    let settings = &server.settings.payment;
    let mut offers = catalogue::offers();
    for offer in &mut offers {
        if let Some(price) = settings.price_of(&offer.plan.id) {
            price.clone_into(&mut offer.plan.paddle_price_id);
        }
    }
    if server.paddle.is_some() {
        offers.retain(|offer| settings.price_of(&offer.plan.id).is_some());
    }
    offers
}

/// The offer with this price.
#[must_use]
pub fn by_price(server: &Server, price_id: &str) -> Option<Offer> {
    offers(server).into_iter().find(|offer| offer.plan.paddle_price_id == price_id)
}
