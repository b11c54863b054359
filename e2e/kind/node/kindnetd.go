package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	cniFile = "/etc/cni/net.d/10-kindnet.conflist"
	cniText = `{"cniVersion":"0.3.1","name":"kindnet","plugins":[
{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","dataDir":"/run/cni-ipam-state","routes":[{"dst":"0.0.0.0/0"}],"ranges":[[{"subnet":%q}]]}},
{"type":"portmap","capabilities":{"portMappings":true}}]}
`
	lookEvery = 2 * time.Second
)

// What kind's own kindnetd does for a cluster of IPv4 nodes in one network: this node's CNI configuration, a route to
// every other node's pods, and masquerading of what leaves the pod network. It enforces no NetworkPolicy.
func kindnetd() error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	// The Service address of the API server works only once there is a network.
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" {
		config.Host = "https://" + endpoint
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	node := network{address: os.Getenv("HOST_IP"), pods: os.Getenv("POD_SUBNET")}
	for ; ; time.Sleep(lookEvery) {
		nodes, err := client.CoreV1().Nodes().List(context.Background(), metav1.ListOptions{ResourceVersion: "0"})
		if err != nil {
			log.Printf("list the nodes: %v", err)
			continue
		}
		for i := range nodes.Items {
			if err := node.learn(&nodes.Items[i]); err != nil {
				log.Print(err)
			}
		}
		if err := node.masquerade(); err != nil {
			log.Print(err)
		}
	}
}

type network struct {
	address string // of this node
	pods    string // range of all pods
	written string // this node's range, as last written
}

func (n *network) learn(node *corev1.Node) error {
	address := ""
	for _, candidate := range node.Status.Addresses {
		if candidate.Type == corev1.NodeInternalIP {
			address = candidate.Address
			break
		}
	}
	if address == "" || node.Spec.PodCIDR == "" {
		return nil // it has only just registered
	}
	if address == n.address {
		return n.configure(node.Spec.PodCIDR)
	}
	_, destination, err := net.ParseCIDR(node.Spec.PodCIDR)
	if err != nil {
		return fmt.Errorf("read the pod range of %s: %w", node.Name, err)
	}
	if err := netlink.RouteReplace(&netlink.Route{Dst: destination, Gw: net.ParseIP(address)}); err != nil {
		return fmt.Errorf("route %s by %s: %w", destination, address, err)
	}
	return nil
}

func (n *network) configure(pods string) error {
	if pods == n.written {
		return nil
	}
	if err := os.WriteFile(cniFile+".tmp", fmt.Appendf(nil, cniText, pods), 0o644); err != nil {
		return fmt.Errorf("write the CNI configuration: %w", err)
	}
	if err := os.Rename(cniFile+".tmp", cniFile); err != nil {
		return fmt.Errorf("put the CNI configuration in place: %w", err)
	}
	n.written = pods
	log.Printf("pods of this node: %s", pods)
	return nil
}

func (n *network) masquerade() error {
	rule := []string{"POSTROUTING", "-s", n.pods, "!", "-d", n.pods, "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", "MASQUERADE"}
	if exec.Command("iptables", append([]string{"-w", "-t", "nat", "-C"}, rule...)...).Run() == nil {
		return nil
	}
	if out, err := exec.Command("iptables", append([]string{"-w", "-t", "nat", "-A"}, rule...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("masquerade: %w: %s", err, out)
	}
	return nil
}
