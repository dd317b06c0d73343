module florin

go 1.26
