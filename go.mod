module florin

go 1.26

require github.com/stripe/stripe-mock v0.203.0
