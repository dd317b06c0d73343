package audit

import (
	"florin/internal/jsontext"
	"florin/internal/store"
)

// dispute holds a dispute to its money: an inquiry has taken nothing, a chargeback the amount once, and one that was won has given it back.
func (a *auditor) dispute(d *store.Doc) {
	a.disputes.count++
	var amounts []int64
	jsontext.Items(jsontext.Get(d.Body, "balance_transactions"), func(v []byte) bool {
		amounts = append(amounts, number(v, "amount"))
		return true
	})
	want := 0
	switch jsontext.Text(d.Body, "status") {
	case "needs_response", "under_review", "lost":
		want = 1
		a.disputed[docKey{d.Scope, jsontext.Text(d.Body, "charge")}] += disputeTakes(d.Body)
	case "won":
		want = 2
	}
	switch {
	case len(amounts) != want:
		a.disputes.found("%s: %s, with %d balance transactions", d.ID, jsontext.Text(d.Body, "status"), len(amounts))
	case want > 0 && amounts[0] >= 0:
		a.disputes.found("%s: has taken %d", d.ID, amounts[0])
	case want > 1 && amounts[0]+amounts[1] != 0:
		a.disputes.found("%s: has taken %d and given %d back", d.ID, amounts[0], amounts[1])
	}
}

// disputeTakes is how much a dispute has taken of its charge, and not given back.
func disputeTakes(body []byte) int64 {
	switch jsontext.Text(body, "status") {
	case "needs_response", "under_review", "lost":
		return number(body, "amount")
	}
	return 0
}

// compareDisputes holds what the disputes of a charge have taken, and its refunds, to what it captured.
func (a *auditor) compareDisputes() error {
	for key, taken := range a.disputed {
		ch, err := a.snap.Get(key.scope, key.id)
		if err != nil {
			return err
		}
		if ch == nil {
			continue // found by the rule of references
		}
		if left := number(ch.Body, "amount_captured") - number(ch.Body, "amount_refunded"); taken > left {
			a.disputes.found("%s: disputes have taken %d of the %d that were left", key.id, taken, left)
		}
	}
	return nil
}
