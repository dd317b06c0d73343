module florin/test/sdk/go

go 1.26

require github.com/stripe/stripe-go/v86 v86.1.0
