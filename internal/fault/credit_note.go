package fault

import "fmt"

// The refusals of credit notes. unverified: all of their words; no recording has any.

// CreditNoteOfDraft refuses to credit an invoice that is not final, or void.
func CreditNoteOfDraft(status string) *Error {
	return Invalid("invoice", "You can only create a credit note for an invoice that is open or paid. This invoice is "+status+".")
}

// CreditNoteWhat refuses a credit note that does not say what it credits.
func CreditNoteWhat() *Error {
	return Coded("parameter_missing", "amount", "You must provide one of `amount`, `lines`, or `shipping_cost`.")
}

// CreditNoteNothing refuses a credit note whose total is not above zero.
func CreditNoteNothing() *Error {
	return Invalid("lines", "The total of a credit note must be greater than zero.")
}

// CreditNoteAmount refuses an amount that is not what the lines come to.
func CreditNoteAmount(amount, lines string) *Error {
	return Invalid("amount", fmt.Sprintf("The credit note amount (%s) must equal the total of its lines (%s).", amount, lines))
}

// CreditNoteTooMuch refuses to credit more of an invoice than is left.
func CreditNoteTooMuch(amount, left string) *Error {
	return Invalid("amount", fmt.Sprintf("The credit note amount (%s) is greater than the amount of the invoice that can still be credited (%s).", amount, left))
}

// CreditNoteSum refuses a credit note that does not say where all of its money after the payment goes.
func CreditNoteSum(named, post string) *Error {
	return Invalid("", fmt.Sprintf("The sum of refunds, credit amount and out of band amount (%s) must equal the post payment amount (%s).", named, post))
}

// CreditNoteNoCharge refuses to refund an invoice for which nothing was charged.
func CreditNoteNoCharge() *Error {
	return Invalid("refund_amount", "The invoice has no charge that can be refunded.")
}

// CreditNoteRefundTooMuch refuses to refund more than is left of the invoice's charge.
func CreditNoteRefundTooMuch(amount, left string) *Error {
	return Invalid("refund_amount", fmt.Sprintf("The refund amount (%s) is greater than the amount that can be refunded (%s).", amount, left))
}

// CreditNoteRefundOfOther refuses to link a refund of something else.
func CreditNoteRefundOfOther(param, refund string) *Error {
	return Invalid(param, "The refund "+refund+" is not for the charge of the invoice.")
}

// CreditNoteRefundGone refuses to link a refund that gives nothing back.
func CreditNoteRefundGone(param, refund, status string) *Error {
	return Invalid(param, "The refund "+refund+" cannot be linked to a credit note, because it is "+status+".")
}

// CreditNoteRefundUsed refuses to link more of a refund than other credit notes have left.
func CreditNoteRefundUsed(param, amount, left string) *Error {
	return Invalid(param, fmt.Sprintf("The amount refunded (%s) is greater than the part of the refund that no credit note has (%s).", amount, left))
}

// CreditNoteWaits refuses to change what an invoice asks for while its payment is under way.
func CreditNoteWaits() *Error {
	return Invalid("", "The amount due of an invoice can't be changed while its payment is processing.")
}

// CreditNoteVoid refuses to void twice.
func CreditNoteVoid() *Error { return Invalid("", "This credit note has already been voided.") }

// CreditNoteClosed refuses to void a credit note whose invoice is not open any more.
func CreditNoteClosed() *Error {
	return Invalid("", "You can only void a credit note if its invoice is open.")
}

// CreditLineOnly refuses what only the other type of line can have.
func CreditLineOnly(param, typ string) *Error {
	return Invalid(param, "`"+param+"` is only valid when the line's `type` is `"+typ+"`.")
}

// CreditLineHow refuses a line that does not say how much of the invoice's line it credits.
func CreditLineHow(param string) *Error {
	return Coded("parameter_missing", param, "You must provide either `quantity` or `amount` to credit an invoice line item.")
}

// CreditLineMixed refuses to credit a line by amount that was credited by quantity, or the reverse.
func CreditLineMixed(param, line, by string) *Error {
	return Invalid(param, "The invoice line item "+line+" has been credited by "+by+" before, and can only be credited so.")
}

// CreditLineTooMuch refuses to credit more of a line than is left.
func CreditLineTooMuch(param, line, left string) *Error {
	return Invalid(param, "You cannot credit more than what is left of the invoice line item "+line+": "+left+".")
}
