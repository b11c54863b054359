// The etcd server, built from its Go module for machines that have no `etcd` of their own: gohub's tests run against the real thing.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
