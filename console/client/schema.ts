// Generated from /openapi.json and /asyncapi.json by `npm run types`. Don't edit.

export interface paths {
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return who the caller is: where the server has no authentication, an anonymous admin
         * @description Takes the role `viewer`, or one that may do more.
         */
        get: operations["me.me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/node-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the node types, with the JSON Schema of their properties
         * @description Takes the role `viewer`, or one that may do more.
         */
        get: operations["workflows.node_types"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/reviews": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the waits that are open for the caller, of the newest sessions first
         * @description Left out are reviews that are for others to answer, by `reviewers` or `four_eyes`; roles don't matter here.
         *
         *     Takes the role `viewer`, or one that may do more.
         */
        get: operations["sessions.reviews"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List sessions, newest first
         * @description Takes the role `viewer`, or one that may do more.
         */
        get: operations["sessions.rows"];
        put?: never;
        /**
         * Create a session that waits for its start
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return one session, whole; 304 if the client has it as of the present seq
         * @description With `wait` the answer comes when the session has ended, is quiet, or waits for somebody.
         *
         *     Takes the role `viewer`, or one that may do more.
         */
        get: operations["sessions.detail"];
        put?: never;
        post?: never;
        /**
         * Remove a session that has ended, with its events
         * @description Takes the role `admin`, or one that may do more.
         */
        delete: operations["sessions.delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/control": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start, pause, resume, stop or cancel a session
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.control"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the events after a seq, at most `limit` and about 1 MiB of them
         * @description Where events after that seq were trimmed, or the log doesn't hold what the client has seen, `reset` has a snapshot,
         *     and the items go on behind it.
         *
         *     Takes the role `viewer`, or one that may do more.
         */
        get: operations["events.page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/fork": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a session that reuses what another one has completed
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.fork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/nodes/{node_id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Complete any suspended node with an output
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.resume_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/nodes/{node_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a node again that failed and is suspended
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.retry_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/nodes/{node_id}/skip": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Complete a node that failed and is suspended, with an output in place of its own
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.skip_node"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/review": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Approve, reject or modify what a node asked a person
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.review"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/signal": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Signal a node, or whichever waits for a name
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.signal"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/{session_id}/workflow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the graph that a session runs
         * @description Takes the role `viewer`, or one that may do more.
         */
        get: operations["sessions.workflow"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sessions/counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count sessions by status, as of a second ago or less
         * @description Takes the role `viewer`, or one that may do more.
         */
        get: operations["sessions.counts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tickets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Issue a ticket that opens one WebSocket or SSE stream, of one session or of any, within 30 seconds
         * @description Takes the role `viewer`, or one that may do more.
         */
        post: operations["ticket_desk.issue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workflows": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the newest version of each workflow
         * @description Takes the role `viewer`, or one that may do more.
         */
        get: operations["workflows.listed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workflows/{workflow_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return a stored graph
         * @description Takes the role `viewer`, or one that may do more.
         */
        get: operations["workflows.get"];
        /**
         * Store a workflow; an equal one has the same version, another one is a new version
         * @description Takes the role `author`, or one that may do more.
         */
        put: operations["workflows.put"];
        post?: never;
        /**
         * Take a workflow off the list; sessions keep the version they run
         * @description Takes the role `author`, or one that may do more.
         */
        delete: operations["workflows.delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workflows/execute": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a session and start it
         * @description Takes the role `operator`, or one that may do more.
         */
        post: operations["sessions.execute"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/workflows/validate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Check a graph without storing it; 422 with every fault
         * @description Takes the role `author`, or one that may do more.
         */
        post: operations["workflows.validate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/asyncapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Describe the event streams and the command socket as AsyncAPI 3.0 */
        get: operations["documents.asyncapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the API to a person, on one page that needs nothing from elsewhere */
        get: operations["documents.page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/livez": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer: the event loop turns */
        get: operations["health.live"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Tell what the process does, as Prometheus reads it
         * @description Takes the role `admin`, or one that may do more.
         */
        get: operations["metrics.metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Describe the HTTP API as OpenAPI 3.1 */
        get: operations["documents.openapi_json"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Answer 200 while commands are welcome, 503 while the store is away, is another's, or the server drains */
        get: operations["health.ready"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** _At */
        _At: {
            seq: number;
        };
        /**
         * Answer
         * @description The answer to a message: `result` if it is `ok`, else `problem`.
         */
        Answer: {
            ok: boolean;
            problem?: components["schemas"]["Problem"];
            reply_to: string | number | null;
            result?: unknown;
        };
        /**
         * AttemptError
         * @description A node attempt failed.
         */
        AttemptError: {
            attempt: number;
            code: string;
            error: string;
            will_retry: boolean;
        };
        /**
         * Authenticate
         * @description Stay beyond the end of the key or token that the socket was opened with, or have the roles of a new one.
         */
        Authenticate: {
            /** @description a fresh key or token, of the same tenant and the same name. Where nobody has to say who they are, any. */
            token: string;
        };
        /**
         * ChildEnded
         * @description A child session of the node has ended.
         */
        ChildEnded: {
            child_id: string;
            index: number;
            /** @enum {unknown} */
            status: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
        };
        /**
         * ChildStarted
         * @description The node is about to start, or to take up again, its child session number `index`.
         */
        ChildStarted: {
            child_id: string;
            index: number;
        };
        /**
         * Command
         * @description `POST /sessions/{id}/control`.
         */
        Command: {
            /** @enum {unknown} */
            action: "cancel" | "pause" | "resume" | "start" | "stop";
            /** @default null */
            reason?: string | null;
        };
        /**
         * Counts
         * @description Sessions by status.
         */
        Counts: {
            cancelled: number;
            completed: number;
            failed: number;
            paused: number;
            pending: number;
            running: number;
        };
        /**
         * CreateSession
         * @description `POST /sessions`: the same, pending unless told to start.
         */
        CreateSession: {
            /** @default null */
            context?: Record<string, never> | null;
            /** @default null */
            deadline_s?: number | null;
            /** @default null */
            graph?: Record<string, never> | null;
            /** @default null */
            input?: unknown;
            /** @default {} */
            labels?: {
                [key: string]: string;
            };
            /** @default null */
            session_id?: string | null;
            /** @default false */
            start?: boolean;
            /** @default null */
            workflow_id?: string | null;
        };
        /**
         * EventPage
         * @description Events in order.
         */
        EventPage: {
            items: components["schemas"]["Record"][];
            /** @description where the next page begins. */
            last_seq: number;
            /** @description only where events after `after` were trimmed, or the log doesn't hold what was seen: what stands for them; the items begin at its `first_seq`. */
            reset?: components["schemas"]["Reset"];
        };
        /**
         * Execute
         * @description `POST /workflows/execute`: run a graph, inline or stored.
         */
        Execute: {
            /** @default null */
            context?: Record<string, never> | null;
            /**
             * @description seconds from the start after which the session fails.
             * @default null
             */
            deadline_s?: number | null;
            /** @default null */
            graph?: Record<string, never> | null;
            /** @default null */
            input?: unknown;
            /** @default {} */
            labels?: {
                [key: string]: string;
            };
            /** @default null */
            session_id?: string | null;
            /**
             * @description False leaves the session pending.
             * @default true
             */
            start?: boolean;
            /** @default null */
            workflow_id?: string | null;
        };
        /**
         * ExecutionCompleted
         * @description The end: always the last event, exactly once.
         */
        ExecutionCompleted: {
            /** @default null */
            error?: components["schemas"]["Failure"] | null;
            output?: unknown;
            /** @enum {unknown} */
            status: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
        };
        /**
         * ExecutionCreated
         * @description The session exists; seq 1 of every log.
         */
        ExecutionCreated: {
            /**
             * @description who created it.
             * @default null
             */
            by?: string | null;
            /** @default {} */
            context?: unknown;
            /** @default null */
            deadline_s?: number | null;
            /**
             * @description of a fork, its original; what it reuses of that is recorded next.
             * @default null
             */
            forked_from?: components["schemas"]["ForkedFrom"] | null;
            /**
             * @description whose work it is besides: of a child session its parent's initiators, of a fork its original's.
             * @default []
             */
            initiators?: string[];
            input: unknown;
            /** @default {} */
            labels?: {
                [key: string]: string;
            };
            /** @default null */
            parent_id?: string | null;
            /**
             * @description a digest of the request, to tell a repeated one from another with the same id.
             * @default
             */
            request?: string;
            /** @enum {unknown} */
            status: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
            /** @default default */
            tenant?: string;
            /**
             * @description of the request that created it, if that said one.
             * @default null
             */
            traceparent?: string | null;
            workflow_id: string;
            workflow_version: string;
        };
        /**
         * ExecutionPaused
         * @description Accepted: no node starts from here to the resume.
         */
        ExecutionPaused: {
            by: string | null;
            in_flight: string[];
            reason: string | null;
        };
        /**
         * ExecutionQuiesced
         * @description Paused, and nothing runs any more.
         */
        ExecutionQuiesced: Record<string, never>;
        /**
         * ExecutionRecovered
         * @description A new owner took over after a crash; `interrupted` nodes run again.
         */
        ExecutionRecovered: {
            interrupted: string[];
        };
        /**
         * ExecutionResumed
         * @description paused → running.
         */
        ExecutionResumed: {
            by: string | null;
            running: string[];
        };
        /**
         * ExecutionStarted
         * @description pending → running; `by` is who started it, unless its creation did.
         */
        ExecutionStarted: {
            /** @default null */
            by?: string | null;
        };
        /**
         * Failure
         * @description Why a node or session failed; `code` is stable.
         */
        Failure: {
            /** @default null */
            by?: string | null;
            code: string;
            message: string;
            /** @default null */
            node_id?: string | null;
        };
        /**
         * Fault
         * @description One thing wrong with an input: where (a path into it) and what would be right.
         */
        Fault: {
            message: string;
            path: string;
        };
        /**
         * ForkedFrom
         * @description Where a fork left its original: at `seq`, and from which node on, if that was asked for.
         */
        ForkedFrom: {
            /** @default null */
            from_node?: string | null;
            seq: number;
            session_id: string;
        };
        /**
         * ForkSession
         * @description `POST /sessions/{id}/fork`: as it was after a seq, or as it is but from a node on.
         */
        ForkSession: {
            /** @default null */
            after_seq?: number | null;
            /** @default null */
            from_node?: string | null;
            /** @description in place of the session's; as it was if absent. */
            input?: unknown;
            /** @default null */
            session_id?: string | null;
            /**
             * @description False leaves the fork pending.
             * @default true
             */
            start?: boolean;
        };
        /**
         * Health
         * @description `GET /livez` and `/readyz`.
         */
        Health: {
            /** @description sessions that can't be brought back, at most 100 of them. */
            quarantined?: string[];
            /**
             * @default ok
             * @enum {unknown}
             */
            status?: "ok";
        };
        /**
         * HumanInteractionRequired
         * @description A review opened, or a node failed and a person is asked what to do.
         */
        HumanInteractionRequired: {
            actions: string[];
            /**
             * @description who may not answer, by name.
             * @default []
             */
            excluded?: string[];
            /**
             * @description how it ends then.
             * @default null
             */
            on_timeout?: ("approve" | "fail" | "reject") | null;
            prompt: string;
            reason: string;
            /**
             * @description who alone may answer, by name; anybody who isn't excluded if absent.
             * @default null
             */
            reviewers?: string[] | null;
            /** @default null */
            schema?: unknown;
            /**
             * @description seconds of unpaused time, from this event on, after which the review ends without a person.
             * @default null
             */
            timeout_s?: number | null;
        };
        /**
         * Me
         * @description Who the caller is.
         */
        Me: {
            /** @description when the key or the token ends, if it does. */
            expires_at: string | null;
            /** @description what the log calls them: the id of a key, or the subject of a token; `anonymous` where nobody has to say. */
            name: string;
            /** @description each may do what those before it may, from viewer over operator and author to admin. */
            roles: ("admin" | "author" | "operator" | "viewer")[];
            tenant: string;
        };
        /**
         * NodeDetail
         * @description One node, in its present round; `wait` is what it asks of a person, while it does.
         */
        NodeDetail: {
            attempt: number;
            ended_at: string | null;
            /** @default null */
            error?: components["schemas"]["Failure"] | null;
            output?: unknown;
            round: number;
            started_at: string | null;
            /** @enum {unknown} */
            status: "completed" | "failed" | "pending" | "running" | "skipped" | "suspended";
            wait?: components["schemas"]["HumanInteractionRequired"];
        };
        /**
         * NodeResumed
         * @description A wait was closed by a review, a signal, a timer or a person.
         */
        NodeResumed: {
            /** @default null */
            data?: unknown;
            /** @description of a retry, what the node sees from now on in place of the session's input. */
            input?: unknown;
            /**
             * @description what a person did: approve, reject or modify, or of a failed node retry, skip, resume or reject.
             * @default null
             */
            review_action?: string | null;
            /** @default null */
            reviewer?: string | null;
            /**
             * @description the seq at which the signal came that closed the wait, if it came before.
             * @default null
             */
            signal_seq?: number | null;
        };
        /**
         * NodeStateChange
         * @description A node moved to `status`.
         *
         *     A fork begins with these, before its start: `pending` for a node in a later round, with the output of the
         *     round before; `completed` or `failed` for what it reuses, without having run it.
         */
        NodeStateChange: {
            attempt: number;
            /**
             * @description why it failed; of a suspended node, why its last attempt did.
             * @default null
             */
            error?: components["schemas"]["Failure"] | null;
            /**
             * @description of a pending loop node, how often it went round since it was entered.
             * @default 0
             */
            laps?: number;
            output?: unknown;
            round: number;
            /** @enum {unknown} */
            status: "completed" | "failed" | "pending" | "running" | "skipped" | "suspended";
            /**
             * @description the successors it goes on to, where that isn't all of them.
             * @default null
             */
            taken?: string[] | null;
        };
        /**
         * NodeTypeItem
         * @description A node type; `properties` is the JSON Schema of a node's properties.
         */
        NodeTypeItem: {
            description: string;
            /** @description how many successors it takes, at least and at most. */
            next_ids: [
                number,
                number | null
            ];
            properties: Record<string, never>;
            type: string;
        };
        /**
         * NodeTypeList
         * @description Every node type of this server, by name.
         */
        NodeTypeList: {
            items: components["schemas"]["NodeTypeItem"][];
        };
        /**
         * Nothing
         * @description No data.
         */
        Nothing: Record<string, never>;
        /**
         * Notice
         * @description Something about the stream itself: it has no seq and isn't stored.
         */
        Notice: {
            data: components["schemas"]["_At"];
            event: string;
            session_id: string;
        };
        /**
         * OneSession
         * @description A command to a session.
         */
        OneSession: {
            /** @default null */
            reason?: string | null;
            session_id: string;
        };
        /**
         * ParallelStart
         * @description A parallel node fans out.
         */
        ParallelStart: {
            branches: string[];
        };
        /**
         * Pong
         * @description The server is there.
         */
        Pong: {
            /** @default true */
            pong?: boolean;
        };
        /**
         * Problem
         * @description The body of every error answer.
         */
        Problem: {
            /** @description the commands it does allow. */
            allowed?: string[];
            /** @description stable, for programs; `title` and `detail` are for people. */
            code: string;
            detail: string;
            /** @description each fault of an invalid input, with its path. */
            errors?: components["schemas"]["Fault"][];
            /** @description where a trimmed log begins, or the first seq after which its session can be forked; 0 for none. */
            first_seq?: number;
            session_id?: string;
            /** @description of the session that refused a command. */
            session_status?: string;
            status: number;
            title: string;
            type: string;
        };
        /**
         * Progress
         * @description A node reports how far it is; `fraction` is 0 to 1.
         */
        Progress: {
            /** @default null */
            fraction?: number | null;
            /** @default null */
            message?: string | null;
        };
        /**
         * Receipt
         * @description The reply to a control command, once it is durable.
         */
        Receipt: {
            /** @enum {unknown} */
            action: "cancel" | "pause" | "resume" | "start" | "stop";
            /** @description False if the session was in that state before. */
            changed: boolean;
            /** @description nodes that were still running at the time. */
            in_flight: string[];
            /** @description of the last event that the command caused. */
            seq: number;
            session_id: string;
            /** @enum {unknown} */
            status: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
        };
        /**
         * Record
         * @description One event in its envelope, as it goes over the wire.
         */
        Record: {
            /**
             * @description names the command that caused it, if that had a name; on the last event that it caused.
             * @default null
             */
            command_id?: string | null;
            data: unknown;
            event: string;
            /** @default null */
            node_id?: string | null;
            /** @description 1, 2, 3 … within the session. */
            seq: number;
            session_id: string;
            /** @description RFC 3339 in UTC with microseconds. */
            timestamp: string;
            /**
             * @description the version of `data`; absent while it is 1.
             * @default 1
             */
            v?: number;
        };
        /**
         * Request
         * @description A message from the client; `id` comes back in the answer's `reply_to`, `traceparent` is as the HTTP header.
         */
        Request: {
            cmd: string;
            data?: unknown;
            /** @default null */
            id?: string | number | null;
            /** @default null */
            traceparent?: string | null;
        };
        /**
         * Reset
         * @description Events that were asked for aren't kept any more: the session as of `first_seq` - 1 stands for them.
         */
        Reset: {
            /** @description of the event that comes next. */
            first_seq: number;
            /** @description the session, whole, before that. */
            snapshot: components["schemas"]["SessionDetail"];
        };
        /**
         * ResetNotice
         * @description Events that were asked for aren't kept any more: it has no seq and isn't stored.
         */
        ResetNotice: {
            data: components["schemas"]["Reset"];
            event: string;
            session_id: string;
        };
        /**
         * Resumed
         * @description A node's wait is closed, durably.
         */
        Resumed: {
            seq: number;
            /**
             * @default resumed
             * @enum {unknown}
             */
            status?: "resumed";
        };
        /**
         * ResumeNode
         * @description `POST /sessions/{id}/nodes/{node_id}/resume`.
         */
        ResumeNode: {
            output: unknown;
        };
        /**
         * RetryInput
         * @description `POST /sessions/{id}/nodes/{node_id}/retry`.
         */
        RetryInput: {
            /** @description what the node sees from now on in place of the session's input; left as it was if absent. */
            input?: unknown;
        };
        /**
         * Review
         * @description `POST /sessions/{id}/review`.
         */
        Review: {
            /** @enum {unknown} */
            action: "approve" | "modify" | "reject";
            /** @default null */
            data?: unknown;
            node_id: string;
        };
        /**
         * ReviewItem
         * @description A wait that is open for a person; `status` is that of its session.
         */
        ReviewItem: {
            actions: string[];
            node_id: string;
            prompt: string;
            reason: string;
            /** @default null */
            schema?: unknown;
            session_id: string;
            /** @enum {unknown} */
            status: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
            /** @default null */
            timeout_s?: number | null;
            workflow_id: string;
        };
        /**
         * ReviewList
         * @description A page of open waits, of the newest sessions first.
         */
        ReviewList: {
            items: components["schemas"]["ReviewItem"][];
            next_cursor: string | null;
        };
        /**
         * SessionCounts
         * @description How many sessions there are, as of a second ago or less.
         */
        SessionCounts: {
            counts: components["schemas"]["Counts"];
        };
        /**
         * SessionDetail
         * @description A session, whole. `in_flight` names running nodes that aren't parked.
         */
        SessionDetail: {
            context: unknown;
            created_at: string;
            ended_at: string | null;
            error: components["schemas"]["Failure"] | null;
            /** @default null */
            forked_from?: components["schemas"]["ForkedFrom"] | null;
            in_flight: string[];
            input: unknown;
            labels: {
                [key: string]: string;
            };
            nodes: {
                [key: string]: components["schemas"]["NodeDetail"];
            };
            output: unknown;
            parent_id: string | null;
            quiesced: boolean;
            seq: number;
            session_id: string;
            started_at: string | null;
            /** @enum {unknown} */
            status: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
            updated_at: string;
            workflow_id: string;
            workflow_version: string;
        };
        /**
         * SessionItem
         * @description A session on a list, as of its last change of status.
         */
        SessionItem: {
            created_at: string;
            ended_at: string | null;
            labels: {
                [key: string]: string;
            };
            parent_id: string | null;
            seq: number;
            session_id: string;
            started_at: string | null;
            /** @enum {unknown} */
            status: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
            updated_at: string;
            waits: string[];
            workflow_id: string;
            workflow_version: string;
        };
        /**
         * SessionList
         * @description A page of sessions, newest first.
         */
        SessionList: {
            items: components["schemas"]["SessionItem"][];
            next_cursor: string | null;
        };
        /**
         * Signal
         * @description `POST /sessions/{id}/signal`: for whichever node waits for `name`, or for the node `node_id`.
         */
        Signal: {
            /** @default null */
            name?: string | null;
            /** @default null */
            node_id?: string | null;
            /** @default null */
            payload?: unknown;
        };
        /**
         * SignalAwaited
         * @description A node waits for the signal called `name`, for `timeout_s` seconds of unpaused time at most.
         */
        SignalAwaited: {
            name: string;
            /** @default null */
            timeout_s?: number | null;
        };
        /**
         * SignalReceived
         * @description A signal came before anybody waited for it, and is kept; it is for a node or for a name.
         */
        SignalReceived: {
            /** @default null */
            name?: string | null;
            /** @default null */
            node_id?: string | null;
            payload: unknown;
        };
        /**
         * SignalSent
         * @description A signal is delivered, or kept until somebody waits for it, durably.
         */
        SignalSent: {
            seq: number;
            /**
             * @default signal_sent
             * @enum {unknown}
             */
            status?: "signal_sent";
        };
        /**
         * SkipOutput
         * @description `POST /sessions/{id}/nodes/{node_id}/skip`: null if no output is given.
         */
        SkipOutput: {
            /** @default null */
            output?: unknown;
        };
        /**
         * Started
         * @description A session exists, durably.
         */
        Started: {
            seq: number;
            session_id: string;
            /** @enum {unknown} */
            status: "pending" | "started";
        };
        /**
         * StartSession
         * @description Start a session that is pending.
         */
        StartSession: {
            session_id: string;
        };
        /**
         * Subscribe
         * @description Follow a session.
         */
        Subscribe: {
            /**
             * @description the last seq that the client has.
             * @default 0
             */
            after?: number;
            /**
             * @description the timestamp of that event, as the client has it.
             * @default null
             */
            seen?: string | null;
            /** @description its id, or `*` for every session that the caller may see, live only. */
            session_id: string;
        };
        /**
         * Subscribed
         * @description From here on the session's events come, stored ones first.
         */
        Subscribed: {
            after: number;
            session_id: string;
        };
        /**
         * TicketIssued
         * @description A ticket, good for one stream until `expires_at`.
         */
        TicketIssued: {
            expires_at: string;
            ticket: string;
        };
        /**
         * TicketRequest
         * @description `POST /tickets`: for the streams of one session, or of any of the tenant's.
         */
        TicketRequest: {
            /** @default null */
            session_id?: string | null;
        };
        /**
         * TimerSet
         * @description A delay, or the wait for a node's next attempt, began: `seconds` of unpaused time from this event on.
         */
        TimerSet: {
            seconds: number;
            /**
             * @description seconds since the Unix epoch; the delay ends then, however long the session is paused before.
             * @default null
             */
            until?: number | null;
        };
        /**
         * TokenStream
         * @description A node emitted text.
         */
        TokenStream: {
            agent_id: string;
            chunk: string;
            /** @default false */
            is_thinking?: boolean;
        };
        /**
         * TokenUsage
         * @description What one model call consumed.
         */
        TokenUsage: {
            agent_id: string;
            estimated_cost_usd: number;
            input_tokens: number;
            output_tokens: number;
        };
        /**
         * ToolExecution
         * @description An agent used a tool.
         */
        ToolExecution: {
            agent_id: string;
            input: unknown;
            output: unknown;
            tool: string;
        };
        /**
         * Unsubscribe
         * @description Follow a session, or `*`, no longer.
         */
        Unsubscribe: {
            session_id: string;
        };
        /**
         * Unsubscribed
         * @description No more events of the session come; `seq` is that of the last one that was sent.
         */
        Unsubscribed: {
            /** @default null */
            seq?: number | null;
            session_id: string;
        };
        /**
         * UserInput
         * @description Answer the review, or send the signal, that a session waits for.
         */
        UserInput: {
            /** @description of a review `{action, data?}`, or what takes the place of what is reviewed; of a signal its payload. */
            content: unknown;
            /**
             * @description whose wait it is; may be left out where only one node waits.
             * @default null
             */
            node_id?: string | null;
            session_id: string;
        };
        /**
         * WorkflowItem
         * @description A stored workflow.
         */
        WorkflowItem: {
            created_at: string;
            description: string | null;
            name: string | null;
            version: string;
            workflow_id: string;
        };
        /**
         * WorkflowList
         * @description The newest version of each workflow, by id.
         */
        WorkflowList: {
            items: components["schemas"]["WorkflowItem"][];
        };
        /**
         * WorkflowVersion
         * @description A workflow that passed every check.
         */
        WorkflowVersion: {
            version: string;
            workflow_id: string;
        };
    };
    responses: {
        /** @description Bad Request: `malformed` */
        BadRequest: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Conflict: `conflict`, `key_in_use` */
        Conflict: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Forbidden: `forbidden`, `not_reviewer` */
        Forbidden: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Insufficient Storage: `store_full` */
        InsufficientStorage: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Internal Server Error: `quarantined` */
        InternalServerError: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Not Found: `not_found` */
        NotFound: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Request Entity Too Large: `too_large` */
        RequestEntityTooLarge: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Service Unavailable: `unavailable` */
        ServiceUnavailable: {
            headers: {
                "Retry-After": components["headers"]["Retry-After"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Too Many Requests: `too_many_requests` */
        TooManyRequests: {
            headers: {
                "Retry-After": components["headers"]["Retry-After"];
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unauthorized: `unauthenticated` */
        Unauthorized: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unprocessable Entity: `invalid`, `key_reused` */
        UnprocessableEntity: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description Unsupported Media Type: `unsupported_media_type` */
        UnsupportedMediaType: {
            headers: {
                "X-Request-Id": components["headers"]["X-Request-Id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: {
        /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
        IdempotencyKey: string;
        /** @description An entity tag that the client has: 304 if it is still the present one. */
        IfNoneMatch: string;
        /** @description Of an event stream: the last seq the client has. Goes before `after`. */
        LastEventID: string;
    };
    requestBodies: never;
    headers: {
        /** @description Tells this state from others. */
        ETag: string;
        /** @description Where the session is. */
        Location: string;
        /** @description Seconds after which to try again. */
        "Retry-After": number;
        /** @description The request's id: the client's own, or one made here. It is in the server's log. */
        "X-Request-Id": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    "me.me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
        };
    };
    "workflows.node_types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NodeTypeList"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
        };
    };
    "sessions.reviews": {
        parameters: {
            query?: {
                cursor?: string;
                limit?: number;
                node_id?: string;
                session_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ReviewList"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["UnprocessableEntity"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "sessions.rows": {
        parameters: {
            query?: {
                cursor?: string;
                label?: string;
                limit?: number;
                status?: "cancelled" | "completed" | "failed" | "paused" | "pending" | "running";
                workflow_id?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "sessions.create": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateSession"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    Location: components["headers"]["Location"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionDetail"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.detail": {
        parameters: {
            query?: {
                /** @description seconds after which the present state is answered anyway; the server may have a shorter limit. */
                timeout_s?: number;
                /** @description answer only when the session has ended (`completed`), is paused and quiet (`quiesced`), or waits for a person or a signal (`waiting`); an end is always answered. */
                wait?: "completed" | "quiesced" | "waiting";
            };
            header?: {
                /** @description An entity tag that the client has: 304 if it is still the present one. */
                "If-None-Match"?: components["parameters"]["IfNoneMatch"];
            };
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionDetail"];
                };
            };
            /** @description The client has it. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["UnprocessableEntity"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "sessions.delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.control": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Command"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Receipt"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "events.page": {
        parameters: {
            query?: {
                /** @description the last seq the client has. */
                after?: number;
                /** @description 1 to have the stream closed after the terminal event. */
                close?: number;
                /** @description events on a page. */
                limit?: number;
                /** @description the timestamp of that event; if the log holds another one, or none, since a power failure or a failover took it, the client gets a reset. */
                seen?: string;
                /** @description opens a stream in place of an Authorization header; never a page. */
                ticket?: string;
            };
            header?: {
                /** @description Of an event stream: the last seq the client has. Goes before `after`. */
                "Last-Event-ID"?: components["parameters"]["LastEventID"];
            };
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EventPage"];
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["UnprocessableEntity"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "sessions.fork": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ForkSession"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    Location: components["headers"]["Location"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionDetail"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.resume_node": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                node_id: string;
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResumeNode"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resumed"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.retry_node": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                node_id: string;
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RetryInput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resumed"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.skip_node": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                node_id: string;
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SkipOutput"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resumed"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.review": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Review"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Resumed"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.signal": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Signal"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignalSent"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.workflow": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                session_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["UnprocessableEntity"];
            500: components["responses"]["InternalServerError"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "sessions.counts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionCounts"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "ticket_desk.issue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TicketRequest"];
            };
        };
        responses: {
            /** @description Created */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TicketIssued"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
        };
    };
    "workflows.listed": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkflowList"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "workflows.get": {
        parameters: {
            query?: {
                version?: string;
            };
            header?: never;
            path: {
                workflow_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            422: components["responses"]["UnprocessableEntity"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
    "workflows.put": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                workflow_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkflowVersion"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "workflows.delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                workflow_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description No Content */
            204: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "sessions.execute": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Execute"];
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    Location: components["headers"]["Location"];
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Started"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
            503: components["responses"]["ServiceUnavailable"];
            507: components["responses"]["InsufficientStorage"];
        };
    };
    "workflows.validate": {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable ASCII characters. The same key and request again is answered as the first time, and has no effect of its own. */
                "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WorkflowVersion"];
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            409: components["responses"]["Conflict"];
            413: components["responses"]["RequestEntityTooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            422: components["responses"]["UnprocessableEntity"];
            429: components["responses"]["TooManyRequests"];
        };
    };
    "documents.asyncapi_json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
        };
    };
    "documents.page": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
        };
    };
    "health.live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
        };
    };
    "metrics.metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            400: components["responses"]["BadRequest"];
            401: components["responses"]["Unauthorized"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
        };
    };
    "documents.openapi_json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
        };
    };
    "health.ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["X-Request-Id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["BadRequest"];
            403: components["responses"]["Forbidden"];
            422: components["responses"]["UnprocessableEntity"];
            503: components["responses"]["ServiceUnavailable"];
        };
    };
}
